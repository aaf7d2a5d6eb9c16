import type { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import {
  type DirectedEnd,
  DirectedPulls,
  type SilentShare,
  type TookTask,
} from "../bus/directed-pulls.ts";
import { jsonOf } from "../bus/foreign.ts";
import type { PullEnd } from "../bus/lane-pull.ts";
import { type BalancingPolicy, freeSlots, type WorkerCandidate } from "../domain/balancing.ts";
import {
  afterDirected,
  afterForward,
  DIRECTING,
  isUniform,
  type LaneDirecting,
  shareOut,
} from "../domain/directing.ts";
import { type Lane, perLane } from "../domain/lane.ts";
import type { PullReport } from "../messages/worker.ts";
import type { Fleet } from "./fleet.ts";
import type { ProcessLog } from "./process-log.ts";
import { recoverUnheld } from "./recover-unheld.ts";

const AGREE_MS = 5_000;

export interface DirectingOptions {
  readonly assignments: Assignments;
  readonly balancing: BalancingPolicy;
  readonly fleet: () => Fleet;
  readonly log: ProcessLog;
}

/**
 * Lets the server deliver the messages of a deep lane straight to the workers, where it makes no
 * difference which of them runs a flow. What they take is booked like any other assignment.
 */
export class Directing {
  readonly #bus: Bus;
  readonly #options: DirectingOptions;
  readonly #pulls: DirectedPulls;
  readonly #lanes: Record<Lane, LaneDirecting> = perLane(() => DIRECTING);
  #uniform: { readonly of: readonly WorkerCandidate[]; readonly is: boolean } | undefined;
  #cursor = 0;

  constructor(bus: Bus, options: DirectingOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#pulls = new DirectedPulls(bus, {
      took: (workerId, task) => this.#took(workerId, task),
      silent: (share) => void this.#recover(share),
    });
  }

  /** Messages that workers were sent for and of which they have said nothing yet. */
  get reserved(): number {
    return this.#pulls.reserved;
  }

  reservedOf(workerId: string): number {
    return this.#pulls.reservedOf(workerId);
  }

  /** Whether a worker agrees to take what is pulled for it. Silence and refusals are a no. */
  async ask(workerId: string): Promise<boolean> {
    const { mux, names } = this.#bus;
    const order = JSON.stringify({ action: "direct", by: this.#pulls.by });
    try {
      const subject = names.workerControl(workerId);
      const answer = await mux.request(subject, order, { timeoutMs: AGREE_MS });
      return jsonOf<{ readonly ok?: unknown }>(answer)?.ok === true;
    } catch {
      return false;
    }
  }

  /** How `count` messages of a lane are to be pulled now. */
  mode(lane: Lane, count: number): "directed" | "forward" | "later" {
    const candidates = this.#options.fleet().candidates();
    const state = this.#lanes[lane];
    if (state.forwardPulls > 0 || !this.#isUniform(candidates)) {
      this.#lanes[lane] = afterForward(state);
      return "forward";
    }
    const { capacityLimit } = this.#options.balancing;
    const room = this.#idle(lane).reduce((sum, each) => sum + freeSlots(each, capacityLimit), 0);
    return room >= count ? "directed" : "later";
  }

  /** Has `count` messages of a lane delivered to workers; `mode` must have said "directed". */
  pull(lane: Lane, count: number, onEnd: (end: PullEnd) => void): void {
    const shares = shareOut(this.#idle(lane), count, this.#options.balancing, this.#cursor);
    // A lane before this one in the same turn may have taken the room.
    if (shares.length === 0) return;
    this.#cursor += 1;
    this.#pulls.pull(lane, shares, (end) => this.#ended(lane, end, onEnd));
  }

  /** Workers for which no share of this lane is open. */
  #idle(lane: Lane): readonly WorkerCandidate[] {
    const candidates = this.#options.fleet().candidates();
    return candidates.filter(({ workerId }) => !this.#pulls.isOpen(workerId, lane));
  }

  /** What a worker says of its shares; to be heard before its outcomes. */
  report(workerId: string, reports: readonly PullReport[]): void {
    this.#pulls.report(workerId, reports);
  }

  workerLost(workerId: string): void {
    this.#pulls.lost(workerId);
  }

  #ended(lane: Lane, end: DirectedEnd, onEnd: (end: PullEnd) => void): void {
    this.#lanes[lane] = afterDirected(this.#lanes[lane], end.returned);
    onEnd(end);
  }

  #took(workerId: string, { executionId, flowId, place }: TookTask): void {
    const { assignments } = this.#options;
    assignments.noteTaken(
      { executionId, flowId, attempt: 1, message: place },
      workerId,
      Date.now(),
    );
  }

  /** Without this, what a killed worker had in its socket and never read would wait for ack_wait. */
  async #recover({ workerId, lane, after, count }: SilentShare): Promise<void> {
    const { assignments, fleet, log } = this.#options;
    try {
      const recovered = await recoverUnheld(this.#bus, lane, after, {
        own: () => assignments.sequencesOf(lane),
        workerIds: () =>
          fleet()
            .members()
            .map(({ registration }) => registration.workerId),
      });
      log.info({ workerId, lane, unknown: count, recovered }, "messages of a silent worker");
    } catch (error) {
      // They are redelivered after ack_wait all the same.
      log.warn({ err: error, workerId, lane, unknown: count }, "not handed back now");
    }
  }

  /** The list of candidates is kept until something about the fleet changes. */
  #isUniform(candidates: readonly WorkerCandidate[]): boolean {
    if (this.#uniform?.of !== candidates) {
      this.#uniform = { of: candidates, is: isUniform(candidates) };
    }
    return this.#uniform.is;
  }
}
