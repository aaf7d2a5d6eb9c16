import { InvalidInputError } from "../domain/errors.ts";

/** Deeper than any flow, and far from where JSON.stringify runs out of stack. */
const MAX_DEPTH = 256;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Refuses a JSON text that nests arrays and objects too deeply: it could be read, but not written
 * again to be passed on.
 *
 * @throws InvalidInputError
 */
export function refuseDeepJson(json: Uint8Array): void {
  // A text this short cannot be that deep; nearly all messages end here.
  if (json.length <= MAX_DEPTH || depthOf(json) <= MAX_DEPTH) return;
  const detail = `the body nests arrays and objects more than ${MAX_DEPTH} deep`;
  throw new InvalidInputError(detail, { problems: [{ code: "E_LIMIT", pointer: "", detail }] });
}

function depthOf(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === QUOTE) i = endOfString(json, i + 1);
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) deepest = Math.max(deepest, ++depth);
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--;
  }
  return deepest;
}

/** Where the quote is that ends the string whose first byte is at `start`. */
function endOfString(json: Uint8Array, start: number): number {
  let i = start;
  while (i < json.length && json[i] !== QUOTE) i += json[i] === BACKSLASH ? 2 : 1;
  return i;
}
