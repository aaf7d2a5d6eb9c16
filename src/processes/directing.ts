import { setTimeout as pause } from "node:timers/promises";
import { nak } from "../bus/ack.ts";
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
import { type BalancingPolicy, placeTask, type WorkerCandidate } from "../domain/balancing.ts";
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
import type { Placements } from "./decisions/placements.ts";
import type { Fleet } from "./fleet.ts";
import type { ProcessLog } from "./process-log.ts";
import { recoverUnheld } from "./recover-unheld.ts";
import { DUPLICATE_RETRY_MS } from "./task-facts.ts";

const AGREE_MS = 5_000;
/** What a worker had to report when it answered has arrived by then: it goes a way of its own. */
const REPORT_MS = 200;
const ASK_AGAIN_MS = 1_000;
const RECOVER_AGAIN_MS = 2_000;

export interface DirectingOptions {
  readonly assignments: Assignments;
  /** Stream sequences of the messages of a lane that this orchestrator holds. */
  readonly own: (lane: Lane) => readonly number[];
  /** The same of the other orchestrators. */
  readonly peers: (lane: Lane) => Promise<readonly number[]>;
  readonly balancing: BalancingPolicy;
  readonly fleet: () => Fleet;
  /** After this the server delivers again by itself what is in nobody's hands. */
  readonly ackWaitMs: number;
  /** Something is paused in that lane, of which the workers do not know. */
  readonly isPausedIn: (lane: Lane) => boolean;
  /** A worker has said that it took this execution. */
  readonly booked: (executionId: string) => void;
  readonly placements: Pick<Placements, "delivered">;
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
  readonly #inquiries = new Set<string>();
  #cursor = 0;

  constructor(bus: Bus, options: DirectingOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#pulls = new DirectedPulls(bus, {
      took: (workerId, task) => this.#took(workerId, task),
      overdue: (workerId) => void this.#inquire(workerId),
      silent: (share) => void this.#recover(share),
    });
  }

  /** Requests for workers whose end they have not told yet. */
  get open(): number {
    return this.#pulls.open;
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

  /** Whether the next messages of a lane are to go straight to workers. */
  isDirect(lane: Lane): boolean {
    if (this.#options.isPausedIn(lane)) return false;
    const state = this.#lanes[lane];
    if (state.forwardPulls === 0 && this.#isUniform(this.#options.fleet().candidates()))
      return true;
    this.#lanes[lane] = afterForward(state);
    return false;
  }

  /** Has up to `count` messages of a lane delivered to workers. False when none has room for them now. */
  pull(lane: Lane, count: number, onEnd: (end: PullEnd) => void): boolean {
    const shares = shareOut(this.#idle(lane), count, this.#options.balancing, this.#cursor);
    if (shares.length === 0) return false;
    this.#cursor += 1;
    this.#pulls.pull(lane, shares, (end) => this.#ended(lane, end, onEnd));
    return true;
  }

  /** Has the next message of a lane delivered to a worker. False when none has room for it now. */
  ring(lane: Lane, onEnd: (end: PullEnd) => void): boolean {
    const needs = { nodeTypes: [] };
    const placement = placeTask(this.#idle(lane), needs, this.#options.balancing, this.#cursor);
    if (placement.type !== "assign") return false;
    this.#cursor += 1;
    this.#pulls.ring(lane, placement.workerId, (end) => this.#ended(lane, end, onEnd));
    return true;
  }

  /** Workers that are waiting for nothing that this lane may bring. */
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

  #took(workerId: string, took: TookTask): void {
    const { assignments, placements } = this.#options;
    const { executionId, flowId, place } = took;
    const task = { executionId, flowId, attempt: 1, message: place };
    const isNew = assignments.noteTaken(task, workerId, Date.now());
    // The first of the two is in the books. This one is looked up when it comes again.
    if (!isNew) {
      nak(this.#bus, place.ackSubject, DUPLICATE_RETRY_MS);
      return;
    }
    this.#options.booked(executionId);
    placements.delivered(workerId, took);
  }

  /**
   * Asks a worker that has not reported in time whether it still takes directed pulls. Its answer
   * comes behind all that the server had sent it before: what it has not reported then, it never got.
   */
  async #inquire(workerId: string): Promise<void> {
    if (this.#inquiries.has(workerId)) return;
    this.#inquiries.add(workerId);
    while (this.#options.fleet().find(workerId) !== undefined && !this.#bus.nc.isClosed()) {
      const isThere = await this.ask(workerId);
      await pause(isThere ? REPORT_MS : ASK_AGAIN_MS);
      if (isThere) break;
    }
    this.#inquiries.delete(workerId);
    this.#pulls.lost(workerId);
  }

  /** Without this, what a killed worker had in its socket and never read would wait for ack_wait. */
  async #recover({ workerId, lane, after, count }: SilentShare): Promise<void> {
    const { own, peers, fleet, ackWaitMs, log } = this.#options;
    const giveUpAt = Date.now() + ackWaitMs;
    const holders = {
      own: () => own(lane),
      peers: () => peers(lane),
      workerIds: () =>
        fleet()
          .members()
          .map(({ registration }) => registration.workerId),
    };
    while (!this.#bus.nc.isClosed()) {
      try {
        const recovered = await recoverUnheld(this.#bus, lane, after, holders);
        log.info({ workerId, lane, unknown: count, recovered }, "messages of a silent worker");
        return;
      } catch (error) {
        // Often a second worker that does not answer either, and is about to be found dead.
        log.warn({ err: error, workerId, lane, unknown: count }, "not handed back yet");
        if (Date.now() + RECOVER_AGAIN_MS > giveUpAt) return;
        await pause(RECOVER_AGAIN_MS);
      }
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
