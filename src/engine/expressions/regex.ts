import { createRequire } from "node:module";
import type * as Re2 from "re2js";
import { NodeError } from "../../domain/errors.ts";
import { LruCache } from "../lru-cache.ts";

/** Compiled pattern size times text length: about 0.2 s of work, measured on re2js 2.10. */
const MAX_WORK = 20_000_000;
const MAX_PATTERN_CHARS = 1_000;

const load = createRequire(import.meta.url);
let loaded: typeof Re2 | undefined;

/** Read with the first pattern: most processes never see one, and it takes some MB of each. */
function re2(): typeof Re2 {
  loaded ??= load("re2js") as typeof Re2;
  return loaded;
}

const patterns = new LruCache<string, Re2.RE2JS>({ maxEntries: 500 });

/**
 * Whether the text holds a match of an RE2 pattern, in time linear in the text.
 *
 * @throws NodeError EXPRESSION for a pattern that RE2 refuses (it has no look-around and no back
 * references) and where pattern and text together are too large.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  const compiled = compilePattern(pattern);
  if (compiled.programSize() * text.length > MAX_WORK) {
    throw expressionError(`re(): a text of ${text.length} characters is too long for this pattern`);
  }
  return compiled.test(text);
}

/** @throws NodeError EXPRESSION for a pattern that RE2 refuses. */
export function compilePattern(pattern: string): Re2.RE2JS {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > MAX_PATTERN_CHARS) {
    throw expressionError(`re(): the pattern is longer than ${MAX_PATTERN_CHARS} characters`);
  }
  try {
    const compiled = re2().RE2JS.compile(pattern);
    patterns.set(pattern, compiled);
    return compiled;
  } catch (thrown) {
    throw expressionError(`re(): ${(thrown as Error).message}`, thrown);
  }
}

function expressionError(message: string, cause?: unknown): NodeError {
  return new NodeError("EXPRESSION", message, { cause, retryable: false });
}
