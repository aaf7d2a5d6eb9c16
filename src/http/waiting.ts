import type { Problem } from "../domain/errors.ts";
import { InvalidInputError } from "../domain/errors.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/**
 * How long `?wait=` asks to wait, cut to `maxMs`: "30s", "500ms", "2m" or plain milliseconds; 0 when
 * it is not there.
 *
 * @throws InvalidInputError when it is none of these.
 */
export function waitMsOf(wait: string | undefined, maxMs: number): number {
  if (wait === undefined) return 0;
  const [, amount, unit = "ms"] = /^(\d{1,9})(ms|s|m)?$/.exec(wait) ?? [];
  if (amount === undefined) throw badWait(wait);
  return Math.min(Number(amount) * (UNIT_MS[unit] ?? 1), maxMs);
}

function badWait(wait: string): InvalidInputError {
  const detail = `?wait=${wait} is not a duration; it accepts 30s, 500ms, 2m or plain milliseconds`;
  const problems: readonly Problem[] = [{ code: "E_WAIT", pointer: "", detail }];
  return new InvalidInputError(detail, { problems });
}

/** Where requests wait for results, so that a closing server can answer them at once. */
export class WaitRoom {
  readonly #waiting = new Set<AbortController>();
  #closed = false;

  /** Whether the server is closing: nobody waits any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Runs `wait` with a signal that aborts when the client leaves or the room closes. */
  async hold<T>(client: AbortSignal, wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const leave = () => controller.abort();
    if (this.#closed || client.aborted) leave();
    client.addEventListener("abort", leave, { once: true });
    this.#waiting.add(controller);
    try {
      return await wait(controller.signal);
    } finally {
      client.removeEventListener("abort", leave);
      this.#waiting.delete(controller);
    }
  }

  close(): void {
    this.#closed = true;
    for (const controller of this.#waiting) controller.abort();
  }
}
