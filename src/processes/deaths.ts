import { escalationOf, recentDeaths } from "../domain/escalation.ts";

/** The workers that died lately, and whether they are too many. */
export class Deaths {
  readonly #escalated: (reason: string) => void;
  #at: readonly number[] = [];
  #isEscalated = false;

  /** `escalated` is called when it begins; that it lasts is told by `escalation`. */
  constructor(escalated: (reason: string) => void) {
    this.#escalated = escalated;
  }

  /** One more at `now` (epoch ms), of a fleet that has `size` workers left. */
  note(size: number, now: number): void {
    this.#at = [...recentDeaths(this.#at, now), now];
    const reason = this.escalation(size, now);
    if (reason !== undefined && !this.#isEscalated) this.#escalated(reason);
    this.#isEscalated = reason !== undefined;
  }

  /** Why the fleet as a whole is in trouble; undefined while it is not. */
  escalation(size: number, now: number): string | undefined {
    return escalationOf(this.#at, size, now);
  }
}
