import { type WorkerEffects, type WorkerLoss, workerWith } from "../../actors/worker-effects.ts";
import type { LiveWorkerState } from "../../actors/worker-events.ts";
import { isSameStanding, pongMatters, standingOf } from "../../actors/worker-view.ts";
import type { Recipient } from "../bus/assignments.ts";
import type { RegistryEntry } from "../bus/worker-registry.ts";
import type { WorkerCandidate } from "../domain/balancing.ts";
import { afterMishap, type Conduct, quarantineAt } from "../domain/conduct.ts";
import { refusalOfBeat } from "../domain/refusals.ts";
import { believeLoad } from "../domain/reported-load.ts";
import { suspicionDoubt } from "../domain/suspicion.ts";
import type {
  ByeMessage,
  DoneMessage,
  DrainNotice,
  Heartbeat,
  TaskRefusal,
} from "../messages/worker.ts";
import { BeatFacts } from "./beat-facts.ts";
import { Deaths } from "./deaths.ts";
import type { FleetOptions } from "./fleet-options.ts";
import { candidateOf, faultedMember, isFaulted, type Member, newMember } from "./member.ts";
import { OncePerKey } from "./once-per-key.ts";
import { startWorkerActor } from "./worker-actor.ts";

/** How a process ended; its pid where it ran on this machine. */
export interface ProcessExit {
  readonly pid?: number | undefined;
  readonly code: number | null;
  readonly signal: string | null;
}

/** How often a stranger is asked to register, and an outdated process to go, at the most. */
const ASK_EVERY_MS = 1_000;

/** The live workers: one actor for each, and what balancing needs to know of them now. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<string, Member>();
  readonly #machine: ReturnType<typeof workerWith>;
  readonly #strangers = new OncePerKey(ASK_EVERY_MS);
  readonly #outdated = new OncePerKey(ASK_EVERY_MS);
  readonly #deaths: Deaths;
  readonly #facts: BeatFacts;
  #candidates: WorkerCandidate[] | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#deaths = new Deaths(options.escalated);
    this.#facts = new BeatFacts({
      ...options,
      members: () => this.members(),
      swallows: (member, reason) => this.#quarantine(member, reason),
    });
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
      this.#watched(present).ref.send({ type: "evict", incarnation });
    }
    this.#start(entry, state, undefined);
  }

  heartbeat(beat: Heartbeat, now: number): void {
    const { workerId, incarnation } = beat;
    const known = this.#members.get(workerId);
    const reason = refusalOfBeat(beat, known && beatOrderOf(known));
    if (reason === undefined && known !== undefined) {
      this.#heard(this.#afterCoolDown(known, now), beat, now);
      return;
    }
    if (reason === undefined || (known === undefined && beat.draining === true)) return;
    this.#options.refused({ reason, detail: `beat ${beat.seq}`, workerId, incarnation });
    // Counted by its actor as well.
    known?.ref.send({ type: "heartbeat", beat });
    if (reason === "unknown_worker") this.#stranger(workerId, now);
    if (reason === "older_incarnation" && this.#outdated.isDue(workerId, now))
      this.#options.outdated(workerId, incarnation);
  }

  #heard(member: Member, beat: Heartbeat, now: number): void {
    member.lastBeat = beat;
    member.lastBeatAt = now;
    const { activeFlows } = beat.currentLoad;
    this.#noteLoad(member, Math.max(activeFlows, beat.performance.tasksInProgress));
    member.ref.send({ type: "heartbeat", beat, fleet: this.#facts.of(member, beat, now) });
    if (beat.draining === true) this.#drains(member, beat.drain);
  }

  #quarantine({ ref }: Member, reason: string): void {
    const deadlineMs = this.#options.drainTimeoutMs;
    ref.send({ type: "drain", reason, deadlineMs, isQuarantine: true });
  }

  #stranger(workerId: string, now: number): void {
    if (this.#strangers.isDue(workerId, now)) this.#options.stranger(workerId);
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
    this.#noteLoad(member, member.registration.capacity.maxConcurrentFlows - Number(free));
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
    const member = this.#members.get(workerId);
    if (member !== undefined) this.#watched(member).ref.send({ type: "bye", incarnation, reason });
  }

  /** Its provisioner saw it end. */
  exited(workerId: string, exit: ProcessExit): void {
    const member = this.#members.get(workerId);
    if (member !== undefined) this.#watched(member).ref.send({ type: "exit", ...exit });
  }

  /** Nobody listens for this worker. */
  unreachable(workerId: string): void {
    const member = this.#members.get(workerId);
    if (member !== undefined) this.#watched(member).ref.send({ type: "unreachable" });
  }

  /**
   * The actor of a worker failed for good. It gets nothing and counts as critical, and is watched again
   * after a while that grows, or when it leaves or registers anew.
   */
  faulted(workerId: string, error: unknown): Member | undefined {
    const member = this.#members.get(workerId);
    if (member === undefined) return undefined;
    const why = `its actor failed too often: ${error instanceof Error ? error.message : error}`;
    const faults = afterMishap(member.faults, { why, isGrave: true }, this.#options.now());
    const faulted = faultedMember(member, faults);
    this.#members.set(workerId, faulted);
    this.#candidates = undefined;
    return faulted;
  }

  /** Why the fleet as a whole is in trouble; undefined while it is not. */
  escalation(now: number): string | undefined {
    return this.#deaths.escalation(this.size, now);
  }

  /** Workers that have registered and are yet to beat and to answer. */
  get unproven(): number {
    return this.members().filter(({ standing }) => standing.state === "registering").length;
  }

  /** The canary came back. The actor is told only where that may matter: it comes every second. */
  pong(workerId: string, incarnation: string | undefined, now: number): void {
    const member = this.#members.get(workerId);
    if (member === undefined) return;
    const { registration, standing, lastBeatAt } = member;
    const { heartbeatIntervalMs = this.#options.heartbeatIntervalMs } = registration;
    const beatAgeMs = lastBeatAt === undefined ? undefined : now - lastBeatAt;
    const isOwn = incarnation === registration.incarnation;
    if (!isOwn || pongMatters(standing, beatAgeMs, heartbeatIntervalMs))
      member.ref.send({ type: "pong", incarnation });
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

  #start(entry: RegistryEntry, state: LiveWorkerState, faults: Conduct | undefined): Member {
    const { ref, workerId } = startWorkerActor(entry, state, this.#machine, this.#options);
    const member = newMember(entry, ref, faults);
    this.#members.set(workerId, member);
    ref.subscribe((snapshot) => {
      const { standing: before } = member;
      const standing = standingOf(snapshot);
      // Every beat comes by here: what says the same is kept, since all that is replaced has to be collected.
      if (!isSameStanding(before, standing)) member.standing = standing;
      const isSame = standing.assignable === before.assignable && standing.weight === before.weight;
      // And for a fleet, each rebuilding the list would be quadratic.
      if (!isSame) this.#reconsider(member);
      if (standing.suspect) this.#doubtOneself();
    });
    const freeze = this.#options.freeze();
    if (freeze !== undefined) ref.send({ type: "freeze", ...freeze });
    this.#candidates = undefined;
    void this.#agreeToDirect(member);
    return member;
  }

  /** One whose actor was given up is watched again, as a critical one: it may well be ill. */
  #watched(member: Member): Member {
    if (!isFaulted(member)) return member;
    const { registration, conduct, faults, standing } = member;
    const { reasons } = standing;
    const changedAt = new Date(this.#options.now()).toISOString();
    const entry = { registration, state: "critical", reasons, changedAt } as const;
    return this.#start({ ...entry, ...(conduct && { conduct }) }, "critical", faults);
  }

  #afterCoolDown(member: Member, now: number): Member {
    return quarantineAt(member.faults, now) === undefined ? this.#watched(member) : member;
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
    member.candidate ??= candidateOf(member, this.#options.inFlightOf);
    return member.candidate;
  }

  /** With one orchestrator there is nothing foreign: its own books are never behind a report. */
  #noteLoad(member: Member, active: number, committing = 0): void {
    const { workerId, capacity } = member.registration;
    const own = this.#options.inFlightOf(workerId);
    const load = believeLoad({ active, committing }, capacity.maxConcurrentFlows, own);
    member.foreign = load.foreign;
    member.committing = load.committing;
    if (load.plausible) return;
    const detail = `says that ${active} of its ${capacity.maxConcurrentFlows} slots are taken`;
    this.#options.refused({ reason: "implausible_load", detail, workerId });
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
    if (!loss.clean) this.#deaths.note(this.size, this.#options.now());
    this.#options.redistribute(loss);
  }
}

function beatOrderOf({ registration, ref }: Member) {
  return { incarnation: registration.incarnation, seq: ref.snapshot().context.seq };
}
