import { type CompileOptions, compileFlow } from "./compile-flow.ts";
import { LruCache } from "./lru-cache.ts";
import type { NodeCatalog } from "./node-types.ts";
import type { CompileResult } from "./plan.ts";

/** `compileFlow` that remembers. */
export interface PlanCache {
  /** `text` is the JSON text of `flowData`, for a caller that has it at hand. */
  compile(flowData: unknown, text?: string): CompileResult;
  readonly size: number;
}

/** Texts kept as keys in all, in characters; plans are several times as large. */
const MAX_KEY_CHARS = 8_000_000;

/**
 * Compiles each distinct flow once and forgets the one not used longest beyond `maxEntries`.
 * The key is the JSON text: a flow that was changed in any way is another flow.
 */
export function planCache(
  catalog: NodeCatalog,
  maxEntries = 1_000,
  options: CompileOptions = {},
): PlanCache {
  const results = new LruCache<string, CompileResult>({
    maxEntries,
    maxWeight: MAX_KEY_CHARS,
    weigh: (text) => text.length,
  });
  return {
    get size() {
      return results.size;
    },
    compile(flowData, text = textOf(flowData)) {
      const known = text === undefined ? undefined : results.get(text);
      if (known !== undefined) return known;
      const result = compileFlow(flowData, catalog, options);
      if (text !== undefined) results.set(text, result);
      return result;
    },
  };
}

/** Undefined for what JSON cannot say; compileFlow then tells why. */
function textOf(flowData: unknown): string | undefined {
  try {
    return JSON.stringify(flowData);
  } catch {
    return undefined;
  }
}
