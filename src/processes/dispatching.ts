import { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { ExecutionStore } from "../bus/executions.ts";
import { Intake } from "../bus/intake.ts";
import type { PausedFlags } from "../bus/paused-flags.ts";
import { type BalancingPolicy, freeSlots, type WorkerCandidate } from "../domain/balancing.ts";
import type { Lane, PerLane } from "../domain/lane.ts";
import type { RetryPolicy } from "../domain/retry.ts";
import type { DecisionSink } from "../messages/decision.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import type { DoneMessage } from "../messages/worker.ts";
import { Cancels } from "./cancels.ts";
import { Placements } from "./decisions/placements.ts";
import { Directing } from "./directing.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { FlowNeeds } from "./dispatcher-options.ts";
import type { Fleet } from "./fleet.ts";
import { locate } from "./locate.ts";
import { type Loss, Outcomes } from "./outcomes.ts";
import { Pauses } from "./pauses.ts";
import type { ProcessLog } from "./process-log.ts";
import { RecentIds } from "./recent-ids.ts";
import { isRefusedForRoom, Refusals } from "./refusals.ts";

export interface DispatchingOptions {
  readonly weights: PerLane<number>;
  readonly balancing: BalancingPolicy;
  readonly retry: RetryPolicy;
  readonly maxPayloadBytes: number;
  readonly unplaceableTimeoutMs: number;
  readonly decisions: DecisionSink;
  /** The share of assignments that is taken down, 0-1. */
  readonly sampleShare: number;
  readonly ackWaitMs: number;
  readonly needsOf: (body: ExecuteMessage) => FlowNeeds;
  /** What the other orchestrators hold of a lane: the stream sequences of its messages. */
  readonly peers: (lane: Lane) => Promise<readonly number[]>;
  /** A task was given to a worker. Called for each. */
  readonly worked?: (() => void) | undefined;
  readonly log: ProcessLog;
}

/** What is kept of executions beside their messages. */
export interface DispatchingStores {
  readonly executions: ExecutionStore;
  readonly flags: PausedFlags;
}

/** Ended executions whose ids are remembered, to spare duplicates a run; about 4 MB at the most. */
const ENDED_REMEMBERED = 20_000;

/** Of what is in flight: to pull for each slot that becomes free costs more in wake-ups than it gains. */
const BATCH_SHARE = 0.5;

const TASK_HEADER_BYTES = 16_384;

/** The data plane of one orchestrator: lanes to workers, and what comes back. It needs no leader. */
export class Dispatching {
  readonly assignments: Assignments;
  readonly outcomes: Outcomes;
  readonly cancels: Cancels;
  readonly refusals: Refusals;
  readonly pauses: Pauses;
  readonly capacityLimit: number;
  readonly #directing: Directing;
  readonly #intake: Intake;
  readonly #dispatcher: Dispatcher;
  readonly #fleet: () => Fleet;

  /** `fleet` is asked for late: it and this know each other. */
  constructor(
    bus: Bus,
    { executions, flags }: DispatchingStores,
    fleet: () => Fleet,
    options: DispatchingOptions,
  ) {
    this.#fleet = fleet;
    this.capacityLimit = options.balancing.capacityLimit;
    const ended = new RecentIds(ENDED_REMEMBERED);
    this.refusals = new Refusals(options.log);
    const fault = (error: unknown, executionId: string) => {
      if (isRefusedForRoom(error)) this.refusals.note(error);
      else options.log.error({ err: error, executionId }, "execution could not be handled now");
    };
    const now = () => Date.now();
    this.assignments = this.#makeAssignments(bus, options.log);
    this.cancels = new Cancels(bus, this.assignments, fault);
    const runsAt = (executionId: string) => fleet().runsAt(executionId);
    const { assignments } = this;
    this.pauses = new Pauses({
      bus,
      flags,
      assignments,
      runsAt,
      locate: (executionId) => locate(executionId, { bus, assignments, executions }),
      fault,
    });
    const booked = (executionId: string) => {
      this.cancels.booked(executionId);
      this.pauses.booked(executionId);
      options.worked?.();
    };
    const placements = new Placements({ ...options, random: Math.random, now });
    this.outcomes = new Outcomes({
      bus,
      assignments: this.assignments,
      executions,
      retry: options.retry,
      now,
      random: Math.random,
      decisions: options.decisions,
      fault,
      ended: (executionId) => {
        ended.add(executionId);
        this.pauses.ended(executionId);
      },
    });
    this.#dispatcher = new Dispatcher({
      ...options,
      // What is forwarded has headers of ours beside it, and the server counts them.
      maxPayloadBytes: Math.min(options.maxPayloadBytes, bus.maxPayloadBytes - TASK_HEADER_BYTES),
      bus,
      assignments: this.assignments,
      executions,
      candidates: () => fleet().candidates(),
      recipient: (workerId) => fleet().recipient(workerId),
      maxAttempts: options.retry.maxAttempts,
      endedRecently: (executionId) => ended.has(executionId) || this.cancels.has(executionId),
      pauses: this.pauses,
      booked,
      now,
      placements,
      fault,
      settled: () => this.poke(),
    });
    this.#directing = new Directing(bus, {
      assignments: this.assignments,
      own: (lane) => this.sequencesOf(lane),
      peers: options.peers,
      balancing: options.balancing,
      ackWaitMs: options.ackWaitMs,
      isPausedIn: (lane) => this.pauses.isIn(lane),
      booked,
      placements,
      fleet,
      log: options.log,
    });
    this.#intake = new Intake(bus, {
      weights: options.weights,
      freeSlots: () => this.freeSlots(),
      batchFloor: () => Math.floor(this.assignments.size * BATCH_SHARE),
      directed: this.#directing,
      onMessage: (message) => this.#dispatcher.dispatch(message),
      onFault: (error) => options.log.error({ err: error }, "message could not be handled now"),
      onUnavailable: (lane) => options.log.warn({ lane }, "lane does not answer; trying again"),
    });
  }

  /** Begins, or goes on, to take from the lanes. */
  open(): void {
    this.assignments.start();
    this.#intake.start();
  }

  /** Takes nothing more; what is assigned goes on. */
  close(): void {
    this.#intake.stop();
  }

  /** Tasks that a worker holds or is about to get from this orchestrator. */
  inFlightOf(workerId: string): number {
    return this.assignments.inFlightOf(workerId) + this.#directing.reservedOf(workerId);
  }

  /** Tasks that no live worker can run, as far as this orchestrator knows. */
  get unplaceable(): number {
    return this.#dispatcher.unplaceable;
  }

  /** Stream sequences of the messages of a lane that are in the hands of this orchestrator. */
  sequencesOf(lane: Lane): number[] {
    const { assignments, pauses } = this;
    const pondered = this.#dispatcher.ponderedOf(lane);
    // What is paused and away is not to be mistaken for what nobody holds.
    return [...assignments.sequencesOf(lane), ...pondered, ...pauses.sequencesOf(lane)];
  }

  /** Whether a worker agrees to take tasks that the server delivers to it itself. Never rejects. */
  askToDirect(workerId: string): Promise<boolean> {
    return this.#directing.ask(workerId);
  }

  /** What a worker reports: first what it has taken, then what came of it. */
  receive(done: DoneMessage): void {
    if (done.pulls !== undefined) this.#directing.report(done.workerId, done.pulls);
    this.outcomes.receive(done);
  }

  /** A worker is gone. Gives back all that it held and returns how many tasks that were. */
  workerLost(workerId: string, loss: Loss): number {
    this.#directing.workerLost(workerId);
    return this.outcomes.workerLost(workerId, loss);
  }

  /** Slots may have become free. */
  poke(): void {
    this.#intake.poke();
  }

  /** Tasks that the fleet could take now from this orchestrator. */
  freeSlots(): number {
    let free = -this.#dispatcher.pondering - this.outcomes.waitingForRoom;
    for (const candidate of this.#fleet().candidates()) free += this.#freeOf(candidate);
    return free;
  }

  /**
   * Runs what may make a worker assignable, and looks for work if it did. Looks at that one only:
   * each beat and each pong comes by here.
   */
  noticing(workerId: string, change: () => void): void {
    const free = () => {
      const candidate = this.#fleet().candidate(workerId);
      return candidate === undefined ? 0 : this.#freeOf(candidate);
    };
    const before = free();
    change();
    if (free() > before) this.poke();
  }

  #freeOf(candidate: WorkerCandidate): number {
    // Which of its slots are free is known when it has said what came of its share.
    if (this.#directing.reservedOf(candidate.workerId) > 0) return 0;
    return freeSlots(candidate, this.capacityLimit);
  }

  /** Resolves once nothing is assigned or about to be, or after `timeoutMs`. */
  async settled(timeoutMs: number): Promise<void> {
    const giveUpAt = Date.now() + timeoutMs;
    const inFlight = () =>
      this.assignments.size + this.#dispatcher.pondering + this.#directing.open;
    while (inFlight() > 0 && Date.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #makeAssignments(bus: Bus, log: ProcessLog): Assignments {
    return new Assignments(bus, {
      refused: (assignment, refusal) => {
        const { workerId, task } = assignment;
        const { refused } = refusal;
        log.debug({ workerId, executionId: task.executionId, refused }, "task refused");
        this.#fleet().refused(workerId, refusal);
        this.#dispatcher.refusedBy(assignment, refusal);
      },
      gone: (assignment) => {
        const { workerId } = assignment;
        this.#fleet().unreachable(workerId);
        // Still counted as there (verdicts may be frozen): it would be chosen again at once.
        const isGone = this.#fleet().find(workerId) === undefined;
        if (isGone) this.#dispatcher.offerAgain(assignment);
        else this.#dispatcher.handBack(assignment);
      },
    });
  }
}
