/**
 * Addresses as subject tokens and bucket keys: `worker/w-1` is `worker.w-1`. What a token cannot hold
 * is written as "=" and two hex digits for each byte, so that any name that a stranger gives an actor
 * stays one token.
 */

const MAX_TOKEN_CHARS = 200;
const MAX_TOKENS = 12;

/** An address as tokens, without the node. Whatever is too long is cut. */
export function actorTokens(address: string): string {
  return address.split("/").slice(0, MAX_TOKENS).map(tokenOf).join(".");
}

/** The key of an actor in the bucket `actors`: its node, then its address. */
export function actorBucketKey(node: string, address: string): string {
  return `${tokenOf(node)}.${actorTokens(address)}`;
}

/** What `actorBucketKey` made a key of. */
export function actorOfKey(key: string): { readonly node: string; readonly address: string } {
  const [node = "", ...address] = key.split(".").map(textOf);
  return { node, address: address.join("/") };
}

function tokenOf(text: string): string {
  const token = text.replaceAll(/[^A-Za-z0-9_-]/gu, (char) =>
    [...Buffer.from(char)].map((byte) => `=${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  // An empty token is none, and "=" alone is never made of anything else.
  return token === "" ? "=" : token.slice(0, MAX_TOKEN_CHARS);
}

function textOf(token: string): string {
  if (token === "=") return "";
  const bytes = token.replaceAll(/=([0-9a-f]{2})/g, (_, hex: string) => `%${hex}`);
  try {
    return decodeURIComponent(bytes);
  } catch {
    // Cut in the middle of a character.
    return token;
  }
}
