const LOOK_MS = 500;
/** Not to have run for longer than this is no load any more: the process was frozen. */
const ABSENT_MS = 3_000;
/** What lay in the sockets meanwhile has been read by then. */
const CATCH_UP_MS = 1_000;

export interface AbsenceEvents {
  /** Whether anybody could have noticed. Alone, what it reads is still its own. */
  readonly isMissed: () => boolean;
  /** It did not run for so long; others may have taken over what it had. */
  readonly absent: (forMs: number) => void;
  /** What is read from now on was sent to one who is there. */
  readonly back: (forMs: number) => void;
}

/**
 * Notices that this process did not run for a while (SIGSTOP, a debugger, a host that was suspended).
 * Both its timers and what it reads ask, since either may be the first to run again.
 */
export class Absence {
  readonly #events: AbsenceEvents;
  readonly #now: () => number;
  #seenAt: number;
  #timer: NodeJS.Timeout | undefined;
  #catchingUp: NodeJS.Timeout | undefined;

  constructor(events: AbsenceEvents, now: () => number = () => performance.now()) {
    this.#events = events;
    this.#now = now;
    this.#seenAt = now();
  }

  start(): void {
    this.#seenAt = this.#now();
    this.#timer ??= setInterval(() => this.isHere(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#catchingUp);
    this.#timer = undefined;
    this.#catchingUp = undefined;
  }

  /** False while what is read may be as old as the absence that has just ended. */
  isHere(): boolean {
    const now = this.#now();
    const gapMs = now - this.#seenAt;
    this.#seenAt = now;
    if (gapMs > ABSENT_MS && this.#events.isMissed()) this.#absent(gapMs);
    return this.#catchingUp === undefined;
  }

  #absent(forMs: number): void {
    clearTimeout(this.#catchingUp);
    this.#catchingUp = setTimeout(() => {
      this.#catchingUp = undefined;
      this.#events.back(forMs);
    }, CATCH_UP_MS);
    this.#events.absent(forMs);
  }
}
