import type { Bus } from "../bus/connect.ts";
import { findOrphans, type Orphan, putBack, removeOrphan } from "../bus/orphans.ts";
import { findResult } from "../bus/results.ts";
import { LANES, type Lane, perLane } from "../domain/lane.ts";
import { judgeOrphan } from "../domain/orphans.ts";
import type { ProcessLog } from "./process-log.ts";

export interface JanitorOptions {
  readonly bus: Bus;
  /** Only the leader cleans up. */
  readonly leads: () => boolean;
  /** Sequences of the messages of a lane that orchestrators have in their books. */
  readonly held: (lane: Lane) => Promise<readonly number[]>;
  /** Makes what is missing: the consumer of a lane may have been deleted. */
  readonly repair: () => Promise<void>;
  readonly intervalMs: number;
  /** An orphan is left alone until it is so old. */
  readonly safeAgeMs: number;
  readonly log: ProcessLog;
}

/** What the janitor has done since the start of this process, and what it could not do. */
export interface JanitorReport {
  readonly putBack: number;
  readonly removed: number;
  /** Orphans that the last look found and left: too young, seen for the first time, or not to be moved. */
  readonly left: number;
  /** Why the last look could not do its work; undefined when it could. */
  readonly trouble: string | undefined;
}

/** A lane that has more of them is cleaned in several looks. */
const MOST_PER_LOOK = 500;

/**
 * Looks for orphans: messages that stay in a lane although its consumer waits for none of them. Seen
 * twice and old enough, they are published again, or only removed where the execution has ended.
 */
export class Janitor {
  readonly #options: JanitorOptions;
  /** The orphans of the last look. */
  #seen = perLane((): ReadonlySet<number> => new Set());
  #report: JanitorReport = { putBack: 0, removed: 0, left: 0, trouble: undefined };
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(options: JanitorOptions) {
    this.#options = options;
  }

  get report(): JanitorReport {
    return this.#report;
  }

  start(): void {
    this.stop();
    this.#timer = setInterval(() => void this.#look(), this.#options.intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#report = { ...this.#report, left: 0 };
    try {
      for (const lane of LANES) await this.#lookInto(lane);
      this.#report = { ...this.#report, trouble: undefined };
    } catch (error) {
      await this.#troubled(error as Error);
    } finally {
      this.#isLooking = false;
    }
  }

  /** The next look finds the same orphans. */
  async #troubled(error: Error): Promise<void> {
    const { log, repair } = this.#options;
    this.#report = { ...this.#report, trouble: error.message };
    log.warn({ err: error }, "lanes could not be looked through for orphans now");
    try {
      await repair();
    } catch (err) {
      log.warn({ err }, "topology could not be checked");
    }
  }

  async #lookInto(lane: Lane): Promise<void> {
    const { bus, held, leads } = this.#options;
    const orphans = leads() ? await findOrphans(bus, lane, MOST_PER_LOOK) : [];
    const seenBefore = this.#seen[lane];
    this.#seen = { ...this.#seen, [lane]: new Set(orphans.map(({ sequence }) => sequence)) };
    if (orphans.length === 0) return;
    const inBooks = new Set(await held(lane));
    for (const orphan of orphans) {
      // The lease may be lost while this goes on.
      if (!leads()) return;
      await this.#settle(orphan, seenBefore.has(orphan.sequence), inBooks.has(orphan.sequence));
    }
  }

  async #settle(orphan: Orphan, seenBefore: boolean, held: boolean): Promise<void> {
    const { bus, safeAgeMs, log } = this.#options;
    const { lane, sequence, storedAt, executionId } = orphan;
    const ended = (await findResult(bus, executionId)) !== undefined;
    const now = Date.now();
    const verdict = judgeOrphan({ storedAt, now, safeAgeMs, seenBefore, held, ended });
    const facts = { lane, sequence, executionId };
    if (verdict.type === "remove") {
      await removeOrphan(bus, orphan);
      this.#count("removed");
      log.warn(facts, "orphan removed from its lane: its execution has ended");
    } else if (verdict.type === "putBack" && (await putBack(bus, orphan))) {
      this.#count("putBack");
      log.warn(facts, "orphan put back into its lane: no consumer would have delivered it");
    } else this.#count("left");
  }

  #count(what: "putBack" | "removed" | "left"): void {
    this.#report = { ...this.#report, [what]: this.#report[what] + 1 };
  }
}
