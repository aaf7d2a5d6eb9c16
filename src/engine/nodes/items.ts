import { NodeError } from "../../domain/errors.ts";

/** Items that are worked through before the event loop gets its turn. */
const CHUNK = 1_000;

/**
 * The list to work through: `items` of the config, else the input.
 * @throws NodeError NOT_A_LIST, not retryable.
 */
export function itemsOf(items: unknown, input: unknown): readonly unknown[] {
  const list = items === undefined ? input : items;
  if (Array.isArray(list)) return list;
  const where = items === undefined ? "the input" : "items";
  const message = `${where} must be a list, not ${list === null ? "null" : typeof list}`;
  throw new NodeError("NOT_A_LIST", message, { retryable: false });
}

/**
 * Calls `visit` for each item in order. Synchronous up to 1,000 items; a longer list lets other
 * work of the worker in between and stops when the signal is aborted.
 */
export function forEachItem(
  items: readonly unknown[],
  visit: (item: unknown, index: number) => void,
  context: { readonly signal: AbortSignal },
): void | Promise<void> {
  if (items.length > CHUNK) return inChunks(items, visit, context.signal);
  items.forEach(visit);
}

async function inChunks(
  items: readonly unknown[],
  visit: (item: unknown, index: number) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let start = 0; start < items.length; start += CHUNK) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    const end = Math.min(start + CHUNK, items.length);
    for (let index = start; index < end; index++) visit(items[index], index);
  }
}
