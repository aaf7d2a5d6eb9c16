import { ulid } from "ulid";
import {
  type Freeze,
  type SupervisorEffects,
  supervisorWith,
} from "../../actors/supervisor-effects.ts";
import type { SupervisorEvent } from "../../actors/supervisor-facts.ts";
import { type Bus, connectBus } from "../bus/connect.ts";
import { ExecutionStore } from "../bus/executions.ts";
import { FleetLink } from "../bus/fleet-link.ts";
import { Leadership } from "../bus/leadership.ts";
import { PausedFlags } from "../bus/paused-flags.ts";
import type { Peers } from "../bus/peers.ts";
import { Pinger } from "../bus/pinger.ts";
import { ensureTopology, type TopologyOptions } from "../bus/topology.ts";
import { WorkerRegistry } from "../bus/worker-registry.ts";
import type { ActorRef } from "../kernel/actor.ts";
import { Kernel } from "../kernel/kernel.ts";
import { SystemClock } from "../kernel/system-clock.ts";
import { admitWorker, orderWorker } from "./admission.ts";
import { Announcer } from "./announcer.ts";
import { answerControl } from "./answer-control.ts";
import { watchBus } from "./bus-watch.ts";
import { Dispatching, type DispatchingOptions } from "./dispatching.ts";
import { Fleet } from "./fleet.ts";
import { Forgetting } from "./forget-workers.ts";
import { watchPeers } from "./inheritance.ts";
import type { ProcessLog } from "./process-log.ts";

export interface OrchestratorOptions extends Omit<DispatchingOptions, "ackWaitMs"> {
  readonly natsUrl: string;
  readonly prefix: string;
  readonly topology: Required<TopologyOptions>;
  readonly heartbeatIntervalMs: number;
  readonly drainTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
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
  const executions = await ExecutionStore.open(control);
  const flags = await PausedFlags.open(control);
  const registry = await WorkerRegistry.open(control);
  const parts = { data, control, executions, flags, registry };
  const orchestrator = new Orchestrator(id, options, parts);
  await orchestrator.start();
  return orchestrator;
}

interface Parts {
  /** Work and outcomes; apart from control, so that neither waits behind the other. */
  readonly data: Bus;
  readonly control: Bus;
  readonly executions: ExecutionStore;
  readonly flags: PausedFlags;
  readonly registry: WorkerRegistry;
}

const SUPERVISOR = "supervisor";

/** Beats that came during a stall this long of our own may have been missed. */
const DOUBT_AFTER_STALL_MS = 1_000;

/** How long a stopping orchestrator waits for what is in flight: only failures need it. */
const SETTLE_MS = 10_000;

/** One orchestrator, wired: what comes from the bus goes to actors and decisions, and back. */
export class Orchestrator implements AsyncDisposable {
  readonly id: string;
  readonly control: Bus;
  readonly fleet: Fleet;
  readonly dispatching: Dispatching;
  readonly kernel: Kernel;
  readonly #options: OrchestratorOptions;
  readonly #parts: Parts;
  readonly #announcer: Announcer;
  readonly #link: FleetLink;
  readonly #pinger: Pinger;
  readonly #peers: Peers;
  readonly #forgetting: Forgetting;
  readonly #supervisor: ActorRef<SupervisorEvent>;
  readonly #supervisorEnded = deferred();
  readonly #closers: (() => void)[] = [];
  #freeze: Freeze | undefined;
  #leadership: Leadership | undefined;
  #stopping: Promise<void> | undefined;

  /** @internal Made by `startOrchestrator`. */
  constructor(id: string, options: OrchestratorOptions, parts: Parts) {
    const { data, control, registry } = parts;
    this.id = id;
    this.control = control;
    this.#options = options;
    this.#parts = parts;
    this.kernel = this.#makeKernel();
    const { ackWaitMs } = options.topology;
    this.dispatching = new Dispatching(data, parts, () => this.fleet, {
      ...options,
      ackWaitMs,
    });
    const leads = () => this.leads;
    this.#announcer = new Announcer({ bus: control, registry, leads, fault: this.#fault });
    this.#forgetting = new Forgetting({ registry, leads, log: options.log });
    this.fleet = this.#makeFleet();
    this.#link = this.#makeLink();
    const ids = () => this.fleet.members().map(({ registration }) => registration.workerId);
    this.#pinger = new Pinger(control, ids, {
      pong: (workerId, incarnation) =>
        this.dispatching.noticing(workerId, () => this.fleet.pong(workerId, incarnation)),
      unreachable: (workerId) => this.fleet.unreachable(workerId),
    });
    this.#peers = watchPeers({
      orchestratorId: id,
      data,
      control,
      assignments: this.dispatching.assignments,
      pauses: this.dispatching.pauses,
      workerIds: ids,
      leadership: () => this.#leadership,
      ackWaitMs,
      log: options.log,
      fault: this.#fault,
    });
    const { shutdownTimeoutMs: stopTimeoutMs } = options;
    this.#supervisor = this.kernel.start({
      address: SUPERVISOR,
      incarnation: id,
      machine: supervisorWith(this.#supervisorEffects()),
      input: { orchestratorId: id, now: () => this.kernel.clock.now(), stopTimeoutMs },
    });
  }

  get leads(): boolean {
    return this.#leadership?.leads ?? false;
  }

  /** Whether it takes from the lanes now. */
  get dispatches(): boolean {
    return !this.control.nc.isClosed() && this.#supervisor.snapshot().tags.has("dispatching");
  }

  /** The state of the supervisor actor, regions side by side. */
  get state(): string {
    return this.#supervisor.snapshot().state;
  }

  /** The orchestrator that holds the lease; null when nobody does. */
  async leaderId(): Promise<string | null> {
    return (await this.#leadership?.holder()) ?? null;
  }

  /** @internal */
  async start(): Promise<void> {
    const { data, control, registry } = this.#parts;
    const { dispatching, fleet } = this;
    for (const entry of await registry.entries()) fleet.join(entry);
    const watch = await registry.watch((change) => {
      if (change.type !== "put") return;
      const { workerId } = change.entry.registration;
      dispatching.noticing(workerId, () => fleet.join(change.entry));
    });
    this.#link.start(data);
    this.#pinger.start();
    this.#peers.start();
    const { assignments, cancels, pauses } = dispatching;
    await pauses.start();
    const { executions, flags } = this.#parts;
    const answering = answerControl(
      { bus: data, assignments, executions, cancels, flags, pauses, paused: pauses.watch },
      this.#fault,
    );
    const unsubscribers = answering.map((each) => () => each.unsubscribe());
    this.#closers.push(watch.stop, () => pauses.stop(), ...unsubscribers);
    const back = () => {
      this.#supervisor.send({ type: "busBack" });
      // Losing the bus counted as losing the lease; if it is still held, that was an error.
      if (this.leads) this.#supervisor.send({ type: "leaseAcquired" });
    };
    const events = { lost: () => void this.#supervisor.send({ type: "busLost" }), back };
    watchBus(control, this.#options.topology, events, this.#options.log);
    this.#leadership = await Leadership.start(control, this.id, {
      acquired: () => this.#supervisor.send({ type: "leaseAcquired" }),
      lost: (reason) => {
        this.#options.log.warn({ reason }, "leadership lost");
        this.#supervisor.send({ type: "leaseLost" });
      },
    });
    for (const bus of [data, control]) {
      void bus.nc.closed().then((error) => {
        if (this.#stopping !== undefined) return;
        this.#options.log.error({ err: error }, "connection closed for good; stopping");
        void this.stop("connection closed");
      });
    }
    this.#supervisor.send({ type: "ready" });
  }

  /**
   * Takes nothing more, waits for what is in flight to settle (workers commit by themselves; only
   * failures need an orchestrator), gives the lease back and closes. Safe to call twice.
   */
  stop(reason = "closed"): Promise<void> {
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(reason: string): Promise<void> {
    this.#supervisor.send({ type: "stop", reason });
    await this.#supervisorEnded.promise;
    this.#peers.stop();
    this.#forgetting.stop();
    this.#link.stop();
    this.#pinger.stop();
    for (const close of this.#closers) close();
    await this.#announcer.settled();
    // A lease that cannot be given back expires by itself.
    await this.#leadership?.stop().catch((error: unknown) => this.#fault(error, "lease release"));
    this.dispatching.assignments.stop();
    this.kernel.stopAll();
    await Promise.all([this.#parts.data.close(), this.control.close()]);
  }

  readonly #fault = (error: unknown, what: string): void => {
    this.#options.log.error({ err: error, what }, "fault");
  };

  #makeKernel(): Kernel {
    const { log } = this.#options;
    const onStall = (stalledMs: number) => {
      if (stalledMs < DOUBT_AFTER_STALL_MS) return;
      const reason = `its event loop stood still for ${Math.round(stalledMs)} ms`;
      this.kernel.send(SUPERVISOR, { type: "doubt", reason } as SupervisorEvent);
    };
    return new Kernel({
      clock: new SystemClock({ onStall }),
      onEnd: ({ address }) => {
        if (address === SUPERVISOR) this.#supervisorEnded.resolve();
      },
      onFault: ({ address, error, restartInMs }) => {
        log.error({ err: error, address, restartInMs }, "actor failed");
        if (restartInMs === undefined) this.#faulted(address);
      },
      onListenerError: (error) => log.error({ err: error }, "listener failed"),
    });
  }

  /** A worker whose actor failed for good is watched by nobody: what it holds goes elsewhere. */
  #faulted(address: string): void {
    const [kind, workerId = ""] = address.split("/");
    const member = kind === "worker" ? this.fleet.find(workerId) : undefined;
    if (member === undefined) return;
    this.#announcer.catchUp([member]);
    const loss = { reason: "its actor failed too often", isDeath: false };
    this.dispatching.workerLost(workerId, loss);
  }

  async #announceLost(): Promise<void> {
    const entries = await this.#parts.registry.entries();
    const isKnown = (workerId: string) => this.fleet.find(workerId) !== undefined;
    this.#announcer.lost(
      entries.filter(
        ({ state, registration }) => state !== "offline" && !isKnown(registration.workerId),
      ),
    );
  }

  #makeFleet(): Fleet {
    const { log, heartbeatIntervalMs } = this.#options;
    return new Fleet({
      kernel: this.kernel,
      inFlightOf: (workerId) => this.dispatching.inFlightOf(workerId),
      assignedBefore: (workerId, before) =>
        this.dispatching.assignments.assignedBefore(workerId, before),
      notHeld: (workerId, ids) => {
        log.warn({ workerId, executionIds: ids }, "worker does not hold what it was given");
        this.dispatching.outcomes.notHeld(workerId, ids);
      },
      doubt: (reason) => this.kernel.send(SUPERVISOR, { type: "doubt", reason } as SupervisorEvent),
      direct: (workerId) => this.dispatching.askToDirect(workerId),
      drainTimeoutMs: this.#options.drainTimeoutMs,
      freeze: () => this.#freeze,
      heartbeatIntervalMs,
      announce: (change) => this.#announcer.changed(change),
      redistribute: ({ workerId, text, clean }) => {
        const loss = { reason: text, isDeath: !clean };
        const redistributed = this.dispatching.workerLost(workerId, loss);
        log.info({ workerId, reason: text, redistributed }, "worker left");
        this.dispatching.poke();
      },
      sendDrain: ({ workerId, reason, deadlineMs }) =>
        orderWorker(this.control, workerId, { action: "drain", reason, deadlineMs }),
      stranger: (workerId) => orderWorker(this.control, workerId, { action: "register" }),
      fault: this.#fault,
    });
  }

  #makeLink(): FleetLink {
    const { log, heartbeatIntervalMs, topology } = this.#options;
    const { control: bus, registry } = this.#parts;
    const { fleet, dispatching } = this;
    const announcer = this.#announcer;
    const ping = (workerId: string) => this.#pinger.ping(workerId);
    const { ackWaitMs } = topology;
    const admission = {
      bus,
      registry,
      announcer,
      fleet,
      heartbeatIntervalMs,
      ackWaitMs,
      ping,
      log,
    };
    return new FleetLink(bus, {
      register: (registration) => admitWorker(registration, admission),
      heartbeat: (beat) =>
        dispatching.noticing(beat.workerId, () => fleet.heartbeat(beat, Date.now())),
      done: (done) => {
        dispatching.receive(done);
        fleet.done(done);
        dispatching.poke();
      },
      bye: (bye) => fleet.bye(bye),
      refused: (subject, reason) => log.warn({ subject, reason }, "message refused"),
    });
  }

  #supervisorEffects(): SupervisorEffects {
    const { log } = this.#options;
    const { dispatching } = this;
    const workers = () => this.fleet.members().map(({ ref }) => ref);
    return {
      recover: () => log.debug({}, "orchestrator starting"),
      resync: () => dispatching.poke(),
      openDispatch: () => dispatching.open(),
      closeDispatch: () => dispatching.close(),
      lead: () => {
        log.info({ orchestratorId: this.id }, "leading");
        this.#announcer.catchUp(this.fleet.members());
        this.#announceLost().catch((error: unknown) => this.#fault(error, "registry"));
        this.#forgetting.start();
      },
      follow: () => {
        log.info({ orchestratorId: this.id }, "standing by");
        this.#forgetting.stop();
      },
      freezeVerdicts: (freeze) => {
        if (this.#freeze === undefined) log.warn({ reason: freeze.reason }, "verdicts frozen");
        this.#freeze = freeze;
        for (const worker of workers()) worker.send({ type: "freeze", ...freeze });
      },
      thawVerdicts: () => {
        log.info({}, "verdicts thawed");
        this.#freeze = undefined;
        for (const worker of workers()) worker.send({ type: "thaw" });
      },
      settle: () => {
        const timeoutMs = Math.min(SETTLE_MS, this.#options.shutdownTimeoutMs);
        void dispatching.settled(timeoutMs).then(() => this.#supervisor.send({ type: "drained" }));
      },
      release: () =>
        log.info({ orchestratorId: this.id, ...dispatching.outcomes.counts }, "orchestrator done"),
      effectFailed: (effect, error) => this.#fault(error, effect),
    };
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
