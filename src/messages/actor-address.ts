import { createHash } from "node:crypto";

/**
 * Addresses as subject tokens and bucket keys: `worker/w-1` is `worker.w-1`. What a token cannot hold
 * is written as "=" and two hex digits for each byte, so that any name that a stranger gives an actor
 * stays one token. What is too long is cut, and a hash of the whole takes the place of the rest: no two
 * actors share a key.
 */

const MAX_TOKEN_CHARS = 200;
const MAX_TOKENS = 12;
/** Begins a hash: "x" is no hex digit. */
const CUT = "=x";
const HASH_CHARS = 16;

/** An address as tokens, without the node. */
export function actorTokens(address: string): string {
  const parts = address.split("/");
  if (parts.length <= MAX_TOKENS) return parts.map(tokenOf).join(".");
  return [...parts.slice(0, MAX_TOKENS - 1).map(tokenOf), hashOf(address)].join(".");
}

/** The key of an actor in the bucket `actors`: its node, then its address. */
export function actorBucketKey(node: string, address: string): string {
  return `${tokenOf(node)}.${actorTokens(address)}`;
}

/** Whether a key does not say all of what it was made of. */
export function isCutKey(key: string): boolean {
  return key.includes(CUT);
}

/** What `actorBucketKey` made a key of; of one that was cut only the beginning. */
export function actorOfKey(key: string): { readonly node: string; readonly address: string } {
  const [node = "", ...address] = key.split(".").map(textOf);
  return { node, address: address.join("/") };
}

function tokenOf(text: string): string {
  const token = text.replaceAll(/[^A-Za-z0-9_-]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `=${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  // An empty token is none, and "=" alone is never made of anything else.
  if (token.length <= MAX_TOKEN_CHARS) return token === "" ? "=" : token;
  const hash = hashOf(text);
  return token.slice(0, MAX_TOKEN_CHARS - hash.length) + hash;
}

function hashOf(text: string): string {
  return CUT + createHash("sha256").update(text).digest("hex").slice(0, HASH_CHARS);
}

function textOf(token: string): string {
  if (token === "=") return "";
  const bytes = token.replaceAll(/=([0-9a-f]{2})/g, (_, hex: string) => `%${hex}`);
  try {
    return decodeURIComponent(bytes);
  } catch {
    // Cut in the middle of a character, or by a stranger.
    return token;
  }
}
