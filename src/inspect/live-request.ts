import type { FollowRequest } from "../messages/inspection-live.ts";

const MAX_KEYS = 200;
const MAX_KEY_CHARS = 1_024;

/** What a page asks for, or why it cannot be read. */
export function readFollow(text: string): FollowRequest | { readonly refused: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { refused: "not JSON" };
  }
  if (typeof value !== "object" || value === null) return { refused: "not an object" };
  const { type, keys, all = false } = value as Readonly<Record<string, unknown>>;
  if (type !== "follow")
    return { refused: 'the only type is "follow": this endpoint changes nothing' };
  if (!isKeys(keys)) return { refused: `keys must be ${MAX_KEYS} keys of actors at most` };
  if (typeof all !== "boolean") return { refused: "all must be true or false" };
  return { type, keys, all };
}

function isKeys(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_KEYS &&
    value.every((key) => typeof key === "string" && key.length <= MAX_KEY_CHARS)
  );
}
