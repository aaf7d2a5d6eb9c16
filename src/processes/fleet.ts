import type { Freeze } from "../../actors/supervisor-effects.ts";
import type {
  DrainOrder,
  WorkerChange,
  WorkerEffects,
  WorkerLoss,
} from "../../actors/worker-effects.ts";
import { workerWith } from "../../actors/worker-effects.ts";
import { type LiveWorkerState, manifestOf, type WorkerEvent } from "../../actors/worker-events.ts";
import type { WorkerContext } from "../../actors/worker-facts.ts";
import { recoveredInput, standingOf, type WorkerStanding } from "../../actors/worker-view.ts";
import type { Recipient } from "../bus/assignments.ts";
import type { RegistryEntry } from "../bus/worker-registry.ts";
import type { WorkerCandidate } from "../domain/balancing.ts";
import { medianErrorRate } from "../domain/health.ts";
import { suspicionDoubt } from "../domain/suspicion.ts";
import type { ActorRef } from "../kernel/actor.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type {
  ByeMessage,
  DoneMessage,
  DrainNotice,
  Heartbeat,
  RegisterMessage,
  TaskRefusal,
} from "../messages/worker.ts";

export interface FleetOptions {
  readonly kernel: Kernel;
  /** Tasks that this orchestrator has given to a worker. */
  readonly inFlightOf: (workerId: string) => number;
  /** Tasks given to a worker before `before` (epoch ms), for the "deaf" signal. */
  readonly assignedBefore: (workerId: string, before: number) => readonly string[];
  /** A worker's beats do not list tasks that it was given long ago. */
  readonly notHeld: (workerId: string, executionIds: readonly string[]) => void;
  /** How long a worker that drains by itself may take. */
  readonly drainTimeoutMs: number;
  /** So many workers are suspect that the fault is likely to be here. Said again while it is so. */
  readonly doubt: (reason: string) => void;
  /** Set while the supervisor doubts itself: who joins now is not judged either. */
  readonly freeze: () => Freeze | undefined;
  /** Asks a worker to take tasks that the server delivers to it itself. Never rejects. */
  readonly direct: (workerId: string) => Promise<boolean>;
  readonly heartbeatIntervalMs: number;
  readonly announce: (change: WorkerChange) => void;
  readonly redistribute: (loss: WorkerLoss) => void;
  readonly sendDrain: (order: DrainOrder) => void;
  /** A worker beats that is not known here: it is asked to register again. */
  readonly stranger: (workerId: string) => void;
  readonly fault: (error: unknown, what: string) => void;
}

/** A live worker as this orchestrator knows it. */
export interface Member {
  readonly registration: RegisterMessage;
  readonly ref: ActorRef<WorkerEvent, WorkerContext>;
  readonly supports: ReadonlySet<string>;
  lastBeat: Heartbeat | undefined;
  lastBeatAt: number | undefined;
  /** Tasks of other orchestrators that it holds, as of its last report. */
  foreign: number;
  /** Tasks that have run there and whose results are being stored, as of its last report. */
  committing: number;
  /** It has agreed to take tasks that the server delivers to it itself. */
  directed: boolean;
  standing: WorkerStanding;
  /** What the balancer knows of it; undefined when that has to be put together anew. */
  candidate: WorkerCandidate | undefined;
}

/** How often a stranger is asked to register, at the most. */
const STRANGER_EVERY_MS = 1_000;
const MEDIAN_EVERY_MS = 1_000;
/** A task that was given longer ago than this has been taken, or never will be. */
const TAKEN_BY_MS = 5_000;
/** And one given longer ago than this is not in its hands: by then several beats would have listed it. */
const MISSING_AFTER_MS = 15_000;

/** The live workers: one actor for each, and what balancing needs to know of them now. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<string, Member>();
  readonly #machine: ReturnType<typeof workerWith>;
  readonly #strangers = new Map<string, number>();
  #candidates: WorkerCandidate[] | undefined;
  #median: { at: number; value: number | undefined } = { at: 0, value: undefined };

  constructor(options: FleetOptions) {
    this.#options = options;
    const effects: WorkerEffects = {
      announce: options.announce,
      redistribute: (loss) => this.#lost(loss),
      sendDrain: options.sendDrain,
      effectFailed: (effect, error) => options.fault(error, effect),
    };
    this.#machine = workerWith(effects);
  }

  get size(): number {
    return this.#members.size;
  }

  members(): Member[] {
    return [...this.#members.values()];
  }

  find(workerId: string): Member | undefined {
    return this.#members.get(workerId);
  }

  /** Takes in a worker that was admitted, here or by another orchestrator. Known incarnations are left alone. */
  join(entry: RegistryEntry): void {
    const { registration, state } = entry;
    const { workerId, incarnation } = registration;
    const present = this.#members.get(workerId);
    if (present?.registration.incarnation === incarnation || state === "offline") return;
    if (present !== undefined) {
      if (present.registration.incarnation > incarnation) return;
      present.ref.send({ type: "evict", incarnation });
    }
    this.#start(entry, state);
  }

  heartbeat(beat: Heartbeat, now: number): void {
    const member = this.#members.get(beat.workerId);
    if (member === undefined) {
      if (beat.draining !== true) this.#stranger(beat.workerId, now);
      return;
    }
    if (beat.incarnation !== member.registration.incarnation) {
      // Counted by the actor. A newer one whose registration this orchestrator has missed says so.
      if (beat.incarnation > member.registration.incarnation) this.#stranger(beat.workerId, now);
      member.ref.send({ type: "heartbeat", beat });
      return;
    }
    member.lastBeat = beat;
    member.lastBeatAt = now;
    this.#noteLoad(member, beat.performance.tasksInProgress);
    const untaken = this.#untaken(beat, now);
    member.ref.send({
      type: "heartbeat",
      beat,
      fleet: { untaken: untaken.length, medianErrorRate: this.#medianErrorRate(now) },
    });
    if (beat.draining === true) this.#drains(member, beat.drain);
  }

  done(done: DoneMessage): void {
    const member = this.#members.get(done.workerId);
    if (member === undefined || done.incarnation !== member.registration.incarnation) return;
    const { maxConcurrentFlows } = member.registration.capacity;
    this.#noteLoad(member, maxConcurrentFlows - done.free, done.committing);
    if (done.draining !== true) return;
    this.#drains(member, done.drain);
    member.ref.send({ type: "inFlight", count: this.#options.inFlightOf(done.workerId) });
  }

  /** A worker did not take a task: what it says of itself is newer than what is known here. */
  refused(workerId: string, { refused, free }: TaskRefusal): void {
    const member = this.#members.get(workerId);
    if (member === undefined) return;
    this.#noteLoad(member, member.registration.capacity.maxConcurrentFlows - free);
    if (refused === "draining") this.#drains(member);
  }

  /** Orders a worker to finish what it holds and leave. False for one that is not here. Idempotent. */
  drain(workerId: string, reason: string, deadlineMs = this.#options.drainTimeoutMs): boolean {
    const member = this.#members.get(workerId);
    member?.ref.send({ type: "drain", reason, deadlineMs });
    return member !== undefined;
  }

  bye(bye: ByeMessage): void {
    const { workerId, incarnation, reason } = bye;
    this.#members.get(workerId)?.ref.send({ type: "bye", incarnation, reason });
  }

  /** Nobody listens for this worker. */
  unreachable(workerId: string): void {
    this.#members.get(workerId)?.ref.send({ type: "unreachable" });
  }

  pong(workerId: string, incarnation: string | undefined): void {
    this.#members.get(workerId)?.ref.send({ type: "pong", incarnation });
  }

  /** What the balancer may choose from. The list is kept until something about it changes. */
  candidates(): readonly WorkerCandidate[] {
    this.#candidates ??= this.members().map((member) => this.#candidateOf(member));
    return this.#candidates;
  }

  /** The same of one worker. */
  candidate(workerId: string): WorkerCandidate | undefined {
    const member = this.#members.get(workerId);
    return member && this.#candidateOf(member);
  }

  /** The worker that lists an execution in its last beat: only long ones are listed. */
  runsAt(executionId: string): string | undefined {
    for (const [workerId, { lastBeat }] of this.#members)
      if (lastBeat?.inFlight.some((task) => task.executionId === executionId)) return workerId;
    return undefined;
  }

  recipient(workerId: string): Recipient | undefined {
    const registration = this.#members.get(workerId)?.registration;
    return registration && { workerId, incarnation: registration.incarnation };
  }

  #start(entry: RegistryEntry, state: LiveWorkerState): void {
    const { kernel, heartbeatIntervalMs } = this.#options;
    const { registration } = entry;
    const { workerId, incarnation } = registration;
    const input = {
      workerId,
      incarnation,
      manifest: manifestOf(registration, registration.heartbeatIntervalMs ?? heartbeatIntervalMs),
      now: () => kernel.clock.now(),
      recovered: state === "registering" ? undefined : { state, reasons: entry.reasons },
    };
    const ref = kernel.start<WorkerEvent, typeof input, WorkerContext>({
      address: `worker/${workerId}`,
      incarnation,
      machine: this.#machine,
      input,
      recover: (context) => ({ ...input, ...recoveredInput(context) }) as typeof input,
    });
    const member: Member = {
      registration,
      ref,
      supports: new Set(registration.supportedNodeTypes),
      lastBeat: undefined,
      lastBeatAt: undefined,
      foreign: 0,
      committing: 0,
      directed: false,
      standing: standingOf(ref.snapshot()),
      candidate: undefined,
    };
    this.#members.set(workerId, member);
    ref.subscribe(() => {
      const { assignable, weight } = member.standing;
      member.standing = standingOf(ref.snapshot());
      const isSame = member.standing.assignable === assignable && member.standing.weight === weight;
      // Every beat comes by here: for a fleet, each rebuilding the list would be quadratic.
      if (!isSame) this.#reconsider(member);
      if (member.standing.suspect) this.#doubtOneself();
    });
    const freeze = this.#options.freeze();
    if (freeze !== undefined) ref.send({ type: "freeze", ...freeze });
    this.#candidates = undefined;
    void this.#agreeToDirect(member);
  }

  /** A worker of another make does not agree, and gets its tasks forwarded. */
  async #agreeToDirect(member: Member): Promise<void> {
    member.directed = await this.#options.direct(member.registration.workerId);
    this.#reconsider(member);
  }

  #reconsider(member: Member): void {
    member.candidate = undefined;
    this.#candidates = undefined;
  }

  #candidateOf(member: Member): WorkerCandidate {
    member.candidate ??= this.#newCandidate(member);
    return member.candidate;
  }

  #newCandidate(member: Member): WorkerCandidate {
    const { inFlightOf } = this.#options;
    const { registration, standing, supports } = member;
    const { workerId, pool = "default", capacity } = registration;
    return {
      workerId,
      assignable: standing.assignable,
      healthWeight: standing.weight,
      slots: capacity.maxConcurrentFlows,
      // Asked anew at each decision: it changes with every assignment.
      get inFlight() {
        return inFlightOf(workerId) + member.foreign;
      },
      get committing() {
        return Math.min(member.committing, this.inFlight);
      },
      supports,
      pool,
      directed: member.directed,
    };
  }

  /** With one orchestrator there is nothing foreign: its own books are never behind a report. */
  #noteLoad(member: Member, active: number, committing = 0): void {
    const { workerId } = member.registration;
    member.foreign = Math.max(0, active + committing - this.#options.inFlightOf(workerId));
    member.committing = committing;
  }

  #doubtOneself(): void {
    const reason = suspicionDoubt(this.members().map(({ standing }) => standing));
    if (reason !== undefined) this.#options.doubt(reason);
  }

  /** What a worker says of its own drain. One of another make gives neither reason nor time. */
  #drains(member: Member, notice?: DrainNotice): void {
    if (member.standing.state === "draining") return;
    const reason = notice?.reason ?? "the worker drains by itself";
    const deadlineMs = notice?.leftMs ?? this.#options.drainTimeoutMs;
    member.ref.send({ type: "drain", reason, deadlineMs });
  }

  #lost(loss: WorkerLoss): void {
    const present = this.#members.get(loss.workerId);
    if (present?.registration.incarnation === loss.incarnation) {
      this.#members.delete(loss.workerId);
      this.#candidates = undefined;
    }
    this.#options.redistribute(loss);
  }

  #stranger(workerId: string, now: number): void {
    if (now - (this.#strangers.get(workerId) ?? 0) < STRANGER_EVERY_MS) return;
    if (this.#strangers.size > 10_000) this.#strangers.clear();
    this.#strangers.set(workerId, now);
    this.#options.stranger(workerId);
  }

  /** Tasks that it must have got by now and does not list among those it runs. */
  #untaken(beat: Heartbeat, now: number): readonly string[] {
    const listed = new Set(beat.inFlight.map(({ executionId }) => executionId));
    const unlisted = (givenBefore: number) =>
      this.#options
        .assignedBefore(beat.workerId, givenBefore)
        .filter((executionId) => !listed.has(executionId));
    const missing = unlisted(now - MISSING_AFTER_MS);
    if (missing.length > 0) this.#options.notHeld(beat.workerId, missing);
    return unlisted(now - TAKEN_BY_MS);
  }

  #medianErrorRate(now: number): number | undefined {
    // Of the whole fleet and once a second: sorting it for each beat is quadratic in its size.
    if (now - this.#median.at >= MEDIAN_EVERY_MS) {
      const beats = this.members().flatMap(({ lastBeat }) => lastBeat ?? []);
      const rates = beats.map(({ performance }) => performance.errorRate);
      this.#median = { at: now, value: medianErrorRate(rates) };
    }
    return this.#median.value;
  }
}
