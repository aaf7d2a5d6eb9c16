import { ulid } from "ulid";
import type { DrainOrder } from "../../actors/worker-effects.ts";
import type { WorkerEvent } from "../../actors/worker-events.ts";
import { type Freeze, supervisorWith } from "../../actors/supervisor-effects.ts";
import type { SupervisorEvent } from "../../actors/supervisor-facts.ts";
import { Assignments } from "../bus/assignments.ts";
import { type Bus, connectBus } from "../bus/connect.ts";
import { ExecutionStore } from "../bus/executions.ts";
import { FleetLink } from "../bus/fleet-link.ts";
import { Intake } from "../bus/intake.ts";
import { Leadership } from "../bus/leadership.ts";
import { Pinger } from "../bus/pinger.ts";
import { ensureTopology, type TopologyOptions } from "../bus/topology.ts";
import { WorkerRegistry } from "../bus/worker-registry.ts";
import { freeSlots, type BalancingPolicy } from "../domain/balancing.ts";
import type { PerLane } from "../domain/lane.ts";
import type { RetryPolicy } from "../domain/retry.ts";
import type { ActorRef } from "../kernel/actor.ts";
import { Kernel } from "../kernel/kernel.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import type { RegisterMessage, RegisterReply } from "../messages/worker.ts";
import { Announcer } from "./announcer.ts";
import { answerControl } from "./cancel.ts";
import { Dispatcher, type FlowNeeds } from "./dispatcher.ts";
import { Fleet } from "./fleet.ts";
import { Outcomes } from "./outcomes.ts";
import type { ProcessLog } from "./process-log.ts";

export interface OrchestratorOptions {
  readonly natsUrl: string;
  readonly prefix: string;
  readonly topology: Required<TopologyOptions>;
  readonly weights: PerLane<number>;
  readonly balancing: BalancingPolicy;
  readonly retry: RetryPolicy;
  readonly maxPayloadBytes: number;
  readonly unplaceableTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly shutdownTimeoutMs: number;
  readonly needsOf: (body: ExecuteMessage) => FlowNeeds;
  readonly log: ProcessLog;
}

/**
 * Starts an orchestrator: makes the topology, learns the fleet, and dispatches from the three lanes
 * until it is stopped. Any number of them work side by side.
 *
 * @throws UnreachableError when no server with JetStream answers.
 */
export async function startOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const id = `orchestrator-${ulid()}`;
  const connection = { url: options.natsUrl, prefix: options.prefix };
  const data = await connectBus({ ...connection, name: `batuta ${id} data` });
  const control = await connectBus({ ...connection, name: `batuta ${id} control` });
  await ensureTopology(control, options.topology);
  const stores = {
    executions: await ExecutionStore.open(control),
    registry: await WorkerRegistry.open(control),
  };
  const orchestrator = new Orchestrator(id, options, data, control, stores);
  await orchestrator.start();
  return orchestrator;
}

interface Stores {
  readonly executions: ExecutionStore;
  readonly registry: WorkerRegistry;
}

/** How often the depth of the lanes is read, for the "deaf" signal. */
const DEPTH_MS = 2_000;

/** One orchestrator, wired: what comes from the bus goes to actors and decisions, and back. */
export class Orchestrator implements AsyncDisposable {
  readonly id: string;
  readonly control: Bus;
  readonly fleet: Fleet;
  readonly assignments: Assignments;
  readonly outcomes: Outcomes;
  readonly kernel: Kernel;
  readonly registry: WorkerRegistry;
  readonly #options: OrchestratorOptions;
  readonly #data: Bus;
  readonly #intake: Intake;
  readonly #dispatcher: Dispatcher;
  readonly #announcer: Announcer;
  readonly #link: FleetLink;
  readonly #pinger: Pinger;
  readonly #supervisor: ActorRef<SupervisorEvent>;
  readonly #closers: (() => void)[] = [];
  #leadership: Leadership | undefined;
  #pendingWork = 0;
  #stopping: Promise<void> | undefined;

  /** @internal Made by `startOrchestrator`. */
  constructor(id: string, options: OrchestratorOptions, data: Bus, control: Bus, stores: Stores) {
    this.id = id;
    this.#options = options;
    this.#data = data;
    this.control = control;
    this.registry = stores.registry;
    const fault = (error: unknown, what: string) => options.log.error({ err: error, what }, "fault");
    const now = () => Date.now();
    this.kernel = new Kernel({
      onFault: ({ address, error, restartInMs }) =>
        options.log.error({ err: error, address, restartInMs }, "actor failed"),
      onListenerError: (error) => options.log.error({ err: error }, "listener failed"),
    });
    this.assignments = new Assignments(data, {
      refused: (assignment, { refused }) => {
        const { workerId, task } = assignment;
        options.log.debug({ workerId, executionId: task.executionId, refused }, "task refused");
        this.#dispatcher.offerAgain(assignment);
      },
      gone: (assignment) => {
        this.fleet.unreachable(assignment.workerId);
        this.#dispatcher.offerAgain(assignment);
      },
    });
    const { executions } = stores;
    this.outcomes = new Outcomes({
      bus: data,
      assignments: this.assignments,
      executions,
      retry: options.retry,
      now,
      random: Math.random,
      fault,
    });
    this.#announcer = new Announcer({ bus: control, registry: stores.registry, leads: () => this.leads, fault });
    this.fleet = new Fleet({
      kernel: this.kernel,
      inFlightOf: (workerId) => this.assignments.inFlightOf(workerId),
      pendingWork: () => this.#pendingWork,
      heartbeatIntervalMs: options.heartbeatIntervalMs,
      announce: (change) => this.#announcer.changed(change),
      redistribute: ({ workerId, text }) => {
        const count = this.outcomes.workerLost(workerId, text);
        options.log.info({ workerId, reason: text, redistributed: count }, "worker left");
        this.#intake.poke();
      },
      sendDrain: (order) => this.#sendDrain(order),
      stranger: (workerId) => this.#order(workerId, { action: "register" }),
      fault,
    });
    this.#dispatcher = new Dispatcher({
      bus: data,
      assignments: this.assignments,
      executions,
      candidates: () => this.fleet.candidates(),
      recipient: (workerId) => this.fleet.recipient(workerId),
      needsOf: options.needsOf,
      balancing: options.balancing,
      maxAttempts: options.retry.maxAttempts,
      maxPayloadBytes: options.maxPayloadBytes,
      unplaceableTimeoutMs: options.unplaceableTimeoutMs,
      now,
      fault,
      settled: () => this.#intake.poke(),
    });
    this.#intake = new Intake(data, {
      weights: options.weights,
      freeSlots: () => this.#freeSlots(),
      batchFloor: () => Math.floor(this.assignments.size / 4),
      onMessage: (message) => this.#dispatcher.dispatch(message),
      onUnavailable: (lane) => options.log.warn({ lane }, "lane does not answer; trying again"),
    });
    this.#link = new FleetLink(control, {
      register: (registration) => this.#register(registration),
      heartbeat: (beat) => this.#noticing(() => this.fleet.heartbeat(beat, Date.now())),
      done: (done) => {
        this.outcomes.receive(done);
        this.fleet.done(done);
        this.#intake.poke();
      },
      bye: (bye) => this.fleet.bye(bye),
      refused: (subject, reason) => options.log.warn({ subject, reason }, "message refused"),
    });
    this.#pinger = new Pinger(control, () => this.fleet.members().map((m) => m.registration.workerId), {
      pong: (workerId, incarnation) => this.#noticing(() => this.fleet.pong(workerId, incarnation)),
      unreachable: (workerId) => this.fleet.unreachable(workerId),
    });
    this.#supervisor = this.kernel.start({
      address: "supervisor",
      incarnation: id,
      machine: supervisorWith(this.#supervisorEffects(fault)),
      input: {
        orchestratorId: id,
        now: () => this.kernel.clock.now(),
        stopTimeoutMs: options.shutdownTimeoutMs,
      },
    });
  }

  get leads(): boolean {
    return this.#leadership?.leads ?? false;
  }

  get connected(): boolean {
    return !this.control.nc.isClosed() && this.#supervisor.snapshot().tags.has("dispatching");
  }

  get capacityLimit(): number {
    return this.#options.balancing.capacityLimit;
  }

  /** The orchestrator that holds the lease; null when nobody does. */
  async leaderId(): Promise<string | null> {
    return (await this.#leadership?.holder()) ?? null;
  }

  /** `starting`, `serving.…`, `stopping`: the state of the supervisor actor. */
  get state(): string {
    return this.#supervisor.snapshot().state;
  }

  /** @internal */
  async start(): Promise<void> {
    const { registry } = this;
    for (const entry of await registry.entries()) this.fleet.join(entry);
    const watch = await registry.watch((change) => {
      if (change.type === "put") this.#noticing(() => this.fleet.join(change.entry));
    });
    this.assignments.start();
    this.#link.start(this.#data);
    this.#pinger.start();
    const fault = (error: unknown, executionId: string) =>
      this.#options.log.error({ err: error, executionId }, "cancel failed");
    const cancels = answerControl(this.#data, this.assignments, fault);
    this.#closers.push(watch.stop, () => cancels.unsubscribe(), this.#watchDepth());
    this.#followConnection();
    this.#leadership = await Leadership.start(this.control, this.id, {
      acquired: () => this.#supervisor.send({ type: "leaseAcquired" }),
      lost: (reason) => {
        this.#options.log.warn({ reason }, "leadership lost");
        this.#supervisor.send({ type: "leaseLost" });
      },
    });
    this.#supervisor.send({ type: "ready" });
  }

  /**
   * Takes nothing more, waits for what is in flight to settle (workers commit by themselves; only
   * failures need an orchestrator), gives the lease back and closes. Safe to call twice.
   */
  stop(reason = "closed"): Promise<void> {
    return (this.#stopping ??= this.#stop(reason));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(reason: string): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      const check = () => {
        if (this.kernel.find("supervisor") === undefined) resolve();
      };
      this.#supervisor.subscribe(check);
      this.#supervisor.send({ type: "stop", reason });
      check();
    });
    await ended;
    this.#link.stop();
    this.#pinger.stop();
    for (const close of this.#closers) close();
    await this.#announcer.settled();
    // A lease that cannot be given back expires by itself.
    await this.#leadership?.stop().catch((error: unknown) => this.#options.log.debug({ err: error }, "lease not released"));
    this.assignments.stop();
    this.kernel.stopAll();
    await Promise.all([this.#data.close(), this.control.close()]);
  }

  #freeSlots(): number {
    const { capacityLimit } = this;
    let free = -this.#dispatcher.pondering;
    for (const candidate of this.fleet.candidates()) free += freeSlots(candidate, capacityLimit);
    return free;
  }

  async #register(registration: RegisterMessage): Promise<RegisterReply> {
    const { heartbeatIntervalMs, log, topology } = this.#options;
    const { workerId, incarnation } = registration;
    const admission = await this.registry.admit(registration, new Date().toISOString());
    if (!admission.accepted) {
      log.warn({ workerId, incarnation, reason: admission.reason }, "registration refused");
      return { accepted: false, reason: admission.reason, heartbeatIntervalMs, config: {} };
    }
    const { entry, evicted } = admission;
    this.#announcer.admitted(entry, evicted);
    if (evicted !== undefined) this.#evict(evicted.registration);
    this.fleet.join(entry);
    this.#pinger.ping(workerId);
    log.info({ workerId, incarnation }, "worker admitted");
    const interval = registration.heartbeatIntervalMs ?? heartbeatIntervalMs;
    return { accepted: true, heartbeatIntervalMs: interval, config: { ackWaitMs: topology.ackWaitMs } };
  }

  /** The older process may still be there: it shares the subject, and obeys only its own incarnation. */
  #evict({ workerId, incarnation }: RegisterMessage): void {
    this.#order(workerId, { action: "shutdown", incarnation, reason: "a newer incarnation has registered" });
  }

  #sendDrain({ workerId, reason, deadlineMs }: DrainOrder): void {
    this.#order(workerId, { action: "drain", reason, deadlineMs });
  }

  #order(workerId: string, order: object): void {
    this.control.nc.publish(this.control.names.workerControl(workerId), JSON.stringify(order));
  }

  /** Runs what may make a worker assignable, and looks for work if it did. */
  #noticing(change: () => void): void {
    const before = this.#freeSlots();
    change();
    if (this.#freeSlots() > before) this.#intake.poke();
  }

  #watchDepth(): () => void {
    const read = async () => {
      const { jsm, names } = this.control;
      const infos = await Promise.all(
        Object.values(names.streams.flows).map((stream) => jsm.consumers.info(stream, "dispatch")),
      );
      this.#pendingWork = infos.reduce((sum, info) => sum + info.num_pending, 0);
    };
    // While the bus is away the last depth stands; the next reading corrects it.
    const timer = setInterval(() => void read().catch(() => undefined), DEPTH_MS);
    return () => clearInterval(timer);
  }

  /** Memory streams are gone after a restart of the server; the topology is made anew. */
  #followConnection(): void {
    const follow = async () => {
      for await (const status of this.control.nc.status()) {
        if (status.type === "disconnect") this.#supervisor.send({ type: "busLost" });
        if (status.type === "reconnect") await this.#reconnected();
      }
    };
    void follow();
  }

  async #reconnected(): Promise<void> {
    const { log, topology } = this.#options;
    log.info({ server: this.control.nc.getServer() }, "bus is back");
    for (let attempt = 1; !this.control.nc.isClosed(); attempt += 1) {
      try {
        await ensureTopology(this.control, topology);
        this.#supervisor.send({ type: "busBack" });
        return;
      } catch (error) {
        log.warn({ err: error, attempt }, "topology could not be checked; trying again");
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  #supervisorEffects(fault: (error: unknown, what: string) => void) {
    const { log } = this.#options;
    const toWorkers = (event: WorkerEvent) => {
      for (const member of this.fleet.members()) member.ref.send(event);
    };
    return {
      recover: () => log.debug({}, "orchestrator starting"),
      resync: () => this.#intake.poke(),
      openDispatch: () => this.#intake.start(),
      closeDispatch: () => this.#intake.stop(),
      lead: () => {
        log.info({ orchestratorId: this.id }, "leading");
        this.#catchUp();
      },
      follow: () => log.info({ orchestratorId: this.id }, "standing by"),
      freezeVerdicts: (freeze: Freeze) => toWorkers({ type: "freeze", ...freeze }),
      thawVerdicts: () => toWorkers({ type: "thaw" }),
      settle: () => void this.#settleInFlight(),
      release: () => {},
      effectFailed: (effect: string, error: unknown) => fault(error, effect),
    };
  }

  /** A new leader announces what changed while nobody led. */
  #catchUp(): void {
    for (const { registration, standing } of this.fleet.members()) {
      const { workerId, incarnation, hostname, pool = "default" } = registration;
      const { state, reasons, load, inFlight } = standing;
      this.#announcer.changed({ workerId, incarnation, from: "registering", to: state, reasons, load, inFlight, hostname, pool });
    }
  }

  async #settleInFlight(): Promise<void> {
    const giveUpAt = Date.now() + Math.min(10_000, this.#options.shutdownTimeoutMs);
    while (this.assignments.size > 0 && Date.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#supervisor.send({ type: "drained" });
  }
}
