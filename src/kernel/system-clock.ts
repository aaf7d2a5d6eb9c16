import type { Clock, TimerId } from "./clock.ts";

/** Node fires a longer timeout at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Timers that are put off are looked at again this often at the most, so as much later than they could be. */
const LOOK_EVERY_MS = 50;

export interface SystemClockOptions {
  /** A timer that wakes later than this was kept waiting by a stall of the event loop. Default 50. */
  readonly stallMs?: number;
  /** How often the event loop turns after a stall before timers run. Default 8. */
  readonly settleTurns?: number;
  /** Told once per stall how late its first timer woke. */
  readonly onStall?: (lateMs: number) => void;
}

interface Timer {
  dueAt: number;
  readonly run: () => void;
  readonly stillMs: (() => number) | undefined;
  handle: NodeJS.Timeout | undefined;
}

/**
 * The clock of a running process.
 * - Delays of any length: those beyond Node's 24.8 days are split.
 * - Stalls: Node runs timers before it reads its sockets, so after a stall of the event loop every
 *   heartbeat would seem late although it lies in the socket. A timer that wakes late therefore waits
 *   until the event loop has turned a few times, and the beats that it would miss are in.
 */
export class SystemClock implements Clock {
  readonly #timers = new Map<TimerId, Timer>();
  readonly #stallMs: number;
  readonly #settleTurns: number;
  readonly #onStall: (lateMs: number) => void;
  /** Timers that woke during a stall, in order; undefined while there is none. */
  #waiting: TimerId[] | undefined;
  #lastId = 0;

  constructor(options: SystemClockOptions = {}) {
    this.#stallMs = options.stallMs ?? 50;
    this.#settleTurns = options.settleTurns ?? 8;
    this.#onStall = options.onStall ?? (() => {});
  }

  /** Epoch milliseconds at the start of the process plus what has passed since. */
  now(): number {
    return performance.timeOrigin + performance.now();
  }

  setTimeout(run: () => void, delayMs: number, stillMs?: () => number): TimerId {
    const id = ++this.#lastId;
    const dueAt = this.now() + Math.max(0, delayMs);
    const timer: Timer = { dueAt, run, stillMs, handle: undefined };
    this.#timers.set(id, timer);
    this.#sleep(id, timer);
    return id;
  }

  clearTimeout(id: TimerId): void {
    clearTimeout(this.#timers.get(id)?.handle);
    this.#timers.delete(id);
  }

  #sleep(id: TimerId, timer: Timer): void {
    const leftMs = Math.max(0, timer.dueAt - this.now());
    const delayMs = Math.min(Math.ceil(leftMs), LONGEST_TIMEOUT_MS);
    timer.handle = setTimeout(() => this.#wake(id, timer), delayMs);
  }

  #wake(id: TimerId, timer: Timer): void {
    const lateMs = this.now() - timer.dueAt;
    if (lateMs < 0) this.#sleep(id, timer);
    else if (this.#waiting !== undefined) this.#waiting.push(id);
    else if (lateMs > this.#stallMs) this.#settle(id, lateMs);
    else this.#fire(id);
  }

  #settle(id: TimerId, lateMs: number): void {
    this.#waiting = [id];
    this.#turn(this.#settleTurns);
    this.#onStall(lateMs);
  }

  #turn(left: number): void {
    if (left > 0) setImmediate(() => this.#turn(left - 1));
    else this.#release();
  }

  #release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    // One turn each, so that a timer that throws does not take the others with it.
    for (const id of waiting) setImmediate(() => this.#fire(id));
  }

  /** A timer that was cleared while it waited is no longer in the map. */
  #fire(id: TimerId): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    const leftMs = timer.stillMs?.() ?? 0;
    if (leftMs > 0) {
      // Those of a fleet wait for moments of their own, and would wake the process for each.
      timer.dueAt = Math.ceil((this.now() + leftMs) / LOOK_EVERY_MS) * LOOK_EVERY_MS;
      this.#sleep(id, timer);
      return;
    }
    this.#timers.delete(id);
    timer.run();
  }
}
