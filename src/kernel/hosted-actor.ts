import { type AnyActor, type AnyMachineSnapshot, type AnyStateMachine, createActor } from "xstate";
import type { ActorEvent, ActorRef, ActorSnapshot, ActorSpec, ActorStatus } from "./actor.ts";
import { type Clock, PatientClock, type TimerId } from "./clock.ts";
import { ActorStartError } from "./errors.ts";
import type { Hub } from "./hub.ts";
import { type Step, timersOf, Watch } from "./inspection.ts";
import type {
  DeadLetterReason,
  InspectionKind,
  InspectionRecord,
  PendingTimer,
} from "./reports.ts";
import { type RestartPolicy, RestartRecord } from "./restarts.ts";
import { Seen } from "./seen.ts";
import { toSnapshot } from "./snapshots.ts";

/** What an actor gets from the kernel that hosts it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly restarts: RestartPolicy;
  readonly hub: Hub;
  /** The actor is done, and nobody finds it any more. */
  readonly left: (actor: ActorRef) => void;
}

const NO_STEP: Step = { event: undefined, source: undefined, from: undefined, actions: [] };

/** How many events wait for an actor that starts again. */
const MAILBOX_SIZE = 100;

/** One root actor and its supervision: started again when it fails, given up when it fails too often. */
export class HostedActor<E extends ActorEvent, I, C> implements ActorRef<E, C> {
  readonly address: string;
  readonly incarnation: string;
  readonly machine: ActorSpec<E, I, C>["machine"];
  readonly parent: string | undefined;
  readonly #spec: ActorSpec<E, I, C>;
  readonly #around: Surroundings;
  readonly #listeners = new Set<(snapshot: ActorSnapshot<C>) => void>();
  readonly #restarts: RestartRecord;
  #actor: AnyActor;
  #status: ActorStatus = "active";
  #mailbox: E[] = [];
  #restartTimer: TimerId | undefined;
  #lastEvent: string | undefined;
  #watch: Watch | undefined;

  constructor(spec: ActorSpec<E, I, C>, incarnation: string, around: Surroundings) {
    this.address = spec.address;
    this.incarnation = incarnation;
    this.machine = spec.machine;
    this.parent = spec.parent;
    this.#spec = spec;
    this.#around = around;
    this.#restarts = new RestartRecord(around.restarts);
    this.#actor = this.#create(spec.input);
  }

  get #inner(): AnyMachineSnapshot {
    return this.#actor.getSnapshot() as AnyMachineSnapshot;
  }

  get restarts(): number {
    return this.#restarts.count;
  }

  /** Whether its address is in use: a faulted actor may be replaced. */
  get isAlive(): boolean {
    return this.#status === "active" || this.#status === "restarting";
  }

  send(event: E): boolean {
    switch (this.#status) {
      case "active":
        this.#lastEvent = event.type;
        this.#actor.send(event);
        return true;
      case "restarting":
        return this.#keep(event);
      default:
        return this.#drop(event, "not-running");
    }
  }

  snapshot(): ActorSnapshot<C> {
    return toSnapshot<C>(this.#inner, this.#status);
  }

  subscribe(listener: (snapshot: ActorSnapshot<C>) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Begins; what it throws in its first transition is a failure like any other. */
  start(): void {
    const actor = this.#actor;
    actor.subscribe({
      next: () => this.#handled(),
      // Without this observer a failure would end the process.
      error: (error: unknown) => this.#failed(error),
      complete: () => this.#completed(),
    });
    this.#status = "active";
    if (this.#around.hub.inspectors.size > 0) this.#introduce();
    actor.start();
  }

  stop(): void {
    if (!this.isAlive) return;
    this.#status = "stopped";
    if (this.#restartTimer !== undefined) this.#around.clock.clearTimeout(this.#restartTimer);
    for (const event of this.#mailbox.splice(0)) this.#drop(event, "not-running");
    this.#actor.stop();
    this.#leave();
  }

  /** Reports every transition to the inspectors from now on. */
  watch(): void {
    if (this.#watch !== undefined) return;
    const { hub } = this.#around;
    this.#watch = new Watch(this.#actor, this.address, hub);
    hub.watches.start(this.#actor, this.#watch);
  }

  unwatch(): void {
    this.#around.hub.watches.stop(this.#actor);
    this.#watch = undefined;
  }

  inspect(): InspectionRecord {
    return this.record("actor");
  }

  /** How it stands, for an inspector. */
  record(kind: InspectionKind, step: Step = NO_STEP): InspectionRecord {
    return new Seen(kind, this, this.#around.clock.now(), step);
  }

  /** The delayed transitions that wait for their time. */
  timers(): PendingTimer[] {
    return timersOf(this.#actor, this.#around.clock.now() + this.#postponeMs());
  }

  #introduce(): void {
    this.#around.hub.inspected(this.record("actor"));
    this.watch();
  }

  #postponeMs(): number {
    return this.#spec.postponeMs?.(this.#inner.context as C) ?? 0;
  }

  /** The clock of the kernel; with `postponeMs` its timers ask before they go off. */
  #clock(): Clock {
    const { clock } = this.#around;
    if (this.#spec.postponeMs === undefined) return clock;
    return new PatientClock(clock, () => this.#postponeMs());
  }

  #create(input: I): AnyActor {
    const machine = this.#around.hub.watches.watchable(this.machine as unknown as AnyStateMachine);
    const clock = this.#clock();
    const actor = createActor(machine, { id: this.address, input, clock });
    const { status, error } = actor.getSnapshot() as AnyMachineSnapshot;
    if (status !== "error") return actor;
    throw new ActorStartError(`${this.address}: ${String(error)}`, { cause: error });
  }

  #handled(): void {
    this.#changed();
    // Of its last one it is told with its end.
    if (this.#inner.status !== "active") return;
    const step = this.#watch?.handled(this.#actor);
    if (step !== undefined) this.#around.hub.inspected(this.record("transition", step));
  }

  #changed(): void {
    if (this.#listeners.size === 0) return;
    const snapshot = this.snapshot();
    for (const listener of this.#listeners) this.#around.hub.tell(listener, snapshot);
  }

  /** The observer is called for the end of a machine as well as for a stop from outside. */
  #completed(): void {
    if (this.#status !== "active") return;
    this.#status = "done";
    this.#leave();
    this.#around.left(this as ActorRef);
    const { address, incarnation } = this;
    this.#around.hub.end({ address, incarnation, output: this.#inner.output });
  }

  #failed(error: unknown): void {
    if (this.#status !== "active") return;
    const { clock, hub } = this.#around;
    const decision = this.#restarts.decide(clock.now());
    const restartInMs = decision.type === "restart" ? decision.afterMs : undefined;
    this.#status = restartInMs === undefined ? "faulted" : "restarting";
    this.#changed();
    this.#leaveWatch();
    if (restartInMs === undefined) this.#listeners.clear();
    else this.#restartTimer = clock.setTimeout(() => this.#restart(), restartInMs);
    const { address, incarnation } = this;
    const lastEvent = this.#lastEvent;
    hub.fault({ address, incarnation, machineId: this.machine.id, error, lastEvent, restartInMs });
  }

  #restart(): void {
    this.#restartTimer = undefined;
    this.#status = "active";
    this.#restarts.note(this.#around.clock.now());
    try {
      const { recover, input } = this.#spec;
      this.#actor = this.#create(recover ? recover(this.snapshot().context) : input);
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.start();
    for (const event of this.#mailbox.splice(0)) this.send(event);
  }

  #keep(event: E): boolean {
    if (this.#mailbox.length >= MAILBOX_SIZE) return this.#drop(event, "mailbox-full");
    this.#mailbox.push(event);
    return true;
  }

  #drop(event: E, reason: DeadLetterReason): false {
    return this.#around.hub.deadLetter({ address: this.address, event, reason });
  }

  /** The last that inspectors see of this life. */
  #leaveWatch(): void {
    if (this.#watch) this.#around.hub.inspected(this.record("end", this.#watch.step));
    this.unwatch();
  }

  #leave(): void {
    this.#leaveWatch();
    this.#listeners.clear();
  }
}
