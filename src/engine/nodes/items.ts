import { NodeError } from "../../domain/errors.ts";

/** How long a list may keep the worker from everything else, in milliseconds. */
const TURN_MS = 10;

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
 * Calls `visit` for each item in order. Synchronous while it takes no longer than 10 ms; then it
 * goes on in turns of that length, lets other work of the worker in between and stops when the
 * signal is aborted.
 */
export function forEachItem(
  items: readonly unknown[],
  visit: (item: unknown, index: number) => void,
  context: { readonly signal: AbortSignal },
): undefined | Promise<void> {
  const next = oneTurn(items, visit, 0);
  return next < items.length ? inTurns(items, visit, next, context.signal) : undefined;
}

async function inTurns(
  items: readonly unknown[],
  visit: (item: unknown, index: number) => void,
  from: number,
  signal: AbortSignal,
): Promise<void> {
  for (let next = from; next < items.length; next = oneTurn(items, visit, next)) {
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  }
}

/** Works until the turn is over and returns the index of the next item. */
function oneTurn(
  items: readonly unknown[],
  visit: (item: unknown, index: number) => void,
  from: number,
): number {
  const end = performance.now() + TURN_MS;
  let index = from;
  while (index < items.length) {
    visit(items[index], index);
    index++;
    if (performance.now() > end) break;
  }
  return index;
}
