import {
  NO_REFUSALS,
  type RefusalReason,
  type RefusalTally,
  withRefusal,
} from "../domain/refusals.ts";
import type { ProcessLog } from "./process-log.ts";

/** What was refused and from whom; `detail` is for people. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly subject?: string;
  readonly workerId?: string;
  readonly incarnation?: string;
}

/** Counts what is refused, and tells each reason of it once in a while: a flood must not fill the log. */
export class MessageRefusals {
  readonly #log: ProcessLog;
  readonly #now: () => number;
  readonly #tallies = new Map<RefusalReason, RefusalTally>();

  constructor(log: ProcessLog, now: () => number = Date.now) {
    this.#log = log;
    this.#now = now;
  }

  /** Since the start, by reason. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#tallies].map(([reason, { count }]) => [reason, count]));
  }

  note(refusal: Refusal): void {
    const before = this.#tallies.get(refusal.reason) ?? NO_REFUSALS;
    const { tally, say } = withRefusal(before, this.#now());
    this.#tallies.set(refusal.reason, tally);
    if (!say) return;
    const { count } = tally;
    this.#log.warn({ ...refusal, untold: before.unsaid, count }, "message refused");
  }
}
