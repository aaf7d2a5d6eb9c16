import type { DrainNotice } from "../messages/worker.ts";

/** setTimeout fires at once for more. */
const MAX_TIMER_MS = 2_147_483_647;

/** The time that a draining worker has left to finish what it holds, and why it drains. */
export class Grace {
  readonly reason: string;
  /** Resolves when the time is over. */
  readonly over: Promise<void>;
  #until: number;
  #timer: NodeJS.Timeout | undefined;
  #end: () => void = () => {};

  constructor(reason: string, graceMs: number, now = Date.now()) {
    this.reason = reason;
    this.#until = now + Math.min(graceMs, MAX_TIMER_MS);
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#wait(now);
  }

  /** A later order may shorten the grace, never lengthen it. */
  shorten(graceMs: number, now = Date.now()): void {
    if (now + graceMs >= this.#until) return;
    this.#until = now + graceMs;
    this.#wait(now);
  }

  /** What orchestrators are told of it. */
  notice(now = Date.now()): DrainNotice {
    return { reason: this.reason, leftMs: Math.max(0, this.#until - now) };
  }

  /** The worker is idle: nobody waits any more. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #wait(now: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#end, this.#until - now);
  }
}
