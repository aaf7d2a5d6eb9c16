export type UnplaceableVerdict =
  | { readonly type: "again"; readonly delayMs: number; readonly isNew: boolean }
  | { readonly type: "give-up" };

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
const MAX_REMEMBERED = 100_000;

interface Since {
  readonly firstAt: number;
  rounds: number;
}

/**
 * Remembers since when a task has found no worker that could ever take it. In memory only: after a
 * restart its time starts anew, which errs on the side of keeping the work.
 */
export class Unplaceables {
  readonly #timeoutMs: number;
  readonly #since = new Map<string, Since>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Tasks that wait for a worker that could run them, as far as is known here. */
  get size(): number {
    return this.#since.size;
  }

  /** Offer it again after a delay that doubles up to 15 s, or give it up after the time-out. */
  judge(executionId: string, now: number): UnplaceableVerdict {
    const known = this.#since.get(executionId);
    if (known === undefined) {
      if (this.#since.size < MAX_REMEMBERED)
        this.#since.set(executionId, { firstAt: now, rounds: 1 });
      return { type: "again", delayMs: FIRST_DELAY_MS, isNew: true };
    }
    if (now - known.firstAt >= this.#timeoutMs) {
      this.#since.delete(executionId);
      return { type: "give-up" };
    }
    const delayMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** known.rounds);
    known.rounds += 1;
    return { type: "again", delayMs, isNew: false };
  }

  forget(executionId: string): void {
    this.#since.delete(executionId);
  }
}
