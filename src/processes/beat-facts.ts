import { medianErrorRate } from "../domain/health.ts";
import type { FleetFacts } from "../domain/health-report.ts";
import { swallows, withMissing } from "../domain/missing-tasks.ts";
import type { Heartbeat } from "../messages/worker.ts";
import type { Member } from "./member.ts";

export interface BeatFactsOptions {
  readonly members: () => readonly Member[];
  readonly inFlightOf: (workerId: string) => number;
  /** Tasks given to a worker before `before` (epoch ms). */
  readonly assignedBefore: (workerId: string, before: number) => readonly string[];
  /** A worker's beats do not list tasks that it was given long ago. */
  readonly notHeld: (workerId: string, executionIds: readonly string[]) => void;
  /** That happens too often with this one. */
  readonly swallows: (member: Member, reason: string) => void;
}

const MEDIAN_EVERY_MS = 1_000;
/** A task that was given longer ago than this has been taken, or never will be. */
const TAKEN_BY_MS = 5_000;
/** And one given longer ago than this is not in its hands: by then several beats would have listed it. */
const MISSING_AFTER_MS = 15_000;

/** What a worker's beat is measured against: what it was given, and how the others fare. */
export class BeatFacts {
  readonly #options: BeatFactsOptions;
  #median: { at: number; value: number | undefined } = { at: 0, value: undefined };

  constructor(options: BeatFactsOptions) {
    this.#options = options;
  }

  /** `now` is in epoch milliseconds. */
  of(member: Member, beat: Heartbeat, now: number): FleetFacts {
    const untaken = this.#untaken(member, beat, now);
    return { untaken, medianErrorRate: this.#medianErrorRate(now) };
  }

  /** How many tasks it must have got by now and does not list among those it runs. */
  #untaken(member: Member, beat: Heartbeat, now: number): number {
    if (this.#options.inFlightOf(beat.workerId) === 0) return 0;
    const listed = new Set(beat.inFlight.map(({ executionId }) => executionId));
    const unlisted = (givenBefore: number) =>
      this.#options
        .assignedBefore(beat.workerId, givenBefore)
        .filter((executionId) => !listed.has(executionId));
    const missing = unlisted(now - MISSING_AFTER_MS);
    if (missing.length > 0) this.#missing(member, missing, now);
    return unlisted(now - TAKEN_BY_MS).length;
  }

  #missing(member: Member, executionIds: readonly string[], now: number): void {
    this.#options.notHeld(member.registration.workerId, executionIds);
    member.missing = withMissing(member.missing, executionIds.length, now);
    const reason = swallows(member.missing);
    if (reason !== undefined) this.#options.swallows(member, reason);
  }

  #medianErrorRate(now: number): number | undefined {
    // Of the whole fleet and once a second: sorting it for each beat is quadratic in its size.
    if (now - this.#median.at >= MEDIAN_EVERY_MS) {
      const beats = this.#options.members().flatMap(({ lastBeat }) => lastBeat ?? []);
      const rates = beats.map(({ performance }) => performance.errorRate);
      this.#median = { at: now, value: medianErrorRate(rates) };
    }
    return this.#median.value;
  }
}
