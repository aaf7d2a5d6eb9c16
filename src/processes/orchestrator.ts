import type { Bus } from "../bus/connect.ts";
import type { FleetLink } from "../bus/fleet-link.ts";
import { Leadership } from "../bus/leadership.ts";
import type { Peers } from "../bus/peers.ts";
import { Pinger } from "../bus/pinger.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { Admission } from "./admission.ts";
import { Announcer } from "./announcer.ts";
import { answerControl } from "./answer-control.ts";
import { BusWatch } from "./bus-watch.ts";
import { logConnection } from "./connection-log.ts";
import type { DecisionJournal } from "./decisions/journal.ts";
import { openJournal } from "./decisions/open-journal.ts";
import { Tide } from "./decisions/tide.ts";
import { Dispatching } from "./dispatching.ts";
import type { Fleet } from "./fleet.ts";
import { Housekeeping } from "./housekeeping.ts";
import { watchPeers } from "./inheritance.ts";
import type { JanitorReport } from "./janitor.ts";
import { MessageRefusals } from "./message-refusals.ts";
import { OrchestratorMirrors } from "./orchestrator-mirrors.ts";
import type { OrchestratorOptions, Parts } from "./orchestrator-options.ts";
import { placementNow } from "./placement-now.ts";
import { Autoscaling } from "./scaling/autoscaling.ts";
import { Supervision } from "./supervision.ts";
import { type FleetWiring, wireFleet, wireLink } from "./wire-fleet.ts";

/** How long a stopping orchestrator waits for what is in flight: only failures need it. */
const SETTLE_MS = 10_000;
/** Records are worth no long wait. */
const SETTLE_JOURNAL_MS = 2_000;

/** One orchestrator, wired: what comes from the bus goes to actors and decisions, and back. */
export class Orchestrator implements AsyncDisposable {
  readonly id: string;
  readonly control: Bus;
  readonly fleet: Fleet;
  readonly dispatching: Dispatching;
  readonly refusals: MessageRefusals;
  readonly scaling: Autoscaling;
  readonly journal: DecisionJournal;
  readonly #options: OrchestratorOptions;
  readonly #parts: Parts;
  readonly #announcer: Announcer;
  readonly #admission: Admission;
  readonly #link: FleetLink;
  readonly #pinger: Pinger;
  readonly #peers: Peers;
  readonly #housekeeping: Housekeeping;
  readonly #busWatch: BusWatch;
  readonly #supervision: Supervision;
  readonly #mirrors: OrchestratorMirrors;
  readonly #closers: (() => void)[] = [];
  #leadership: Leadership | undefined;
  #stopping: Promise<void> | undefined;

  /** @internal Made by `startOrchestrator`. */
  constructor(id: string, options: OrchestratorOptions, parts: Parts) {
    const { data, control, registry } = parts;
    this.id = id;
    this.control = control;
    this.#options = options;
    this.#parts = parts;
    this.refusals = new MessageRefusals(options.log);
    const { ackWaitMs } = options.topology;
    this.journal = openJournal(id, control, options);
    this.dispatching = new Dispatching(data, parts, () => this.fleet, {
      ...options,
      decisions: this.journal,
      ackWaitMs,
      peers: (lane) => this.#peers.held(lane),
    });
    const leads = () => this.leads;
    this.#supervision = this.#makeSupervision();
    this.#mirrors = new OrchestratorMirrors(this.#supervision.kernel, id, parts);
    this.#announcer = new Announcer({
      bus: control,
      registry,
      leads,
      decisions: this.journal,
      fault: this.#fault,
    });
    this.#housekeeping = new Housekeeping({
      ...options,
      bus: control,
      registry,
      leads,
      held: async (lane) => [
        ...this.dispatching.sequencesOf(lane),
        ...(await this.#peers.held(lane)),
      ],
    });
    const wiring = this.#fleetWiring();
    this.fleet = wireFleet(wiring);
    this.scaling = this.#makeScaling();
    this.#admission = this.#makeAdmission();
    this.#link = wireLink(wiring, this.fleet);
    const ids = () => this.fleet.members().map(({ registration }) => registration.workerId);
    this.#pinger = new Pinger(control, ids, {
      pong: (workerId, incarnation) =>
        this.dispatching.noticing(workerId, () =>
          this.fleet.pong(workerId, incarnation, Date.now()),
        ),
      unreachable: (workerId) => this.fleet.unreachable(workerId),
    });
    this.#peers = watchPeers({
      orchestratorId: id,
      data,
      control,
      assignments: this.dispatching.assignments,
      own: (lane) => this.dispatching.sequencesOf(lane),
      adopted: (executionId) => this.dispatching.pauses.adopted(executionId),
      workerIds: ids,
      leadership: () => this.#leadership,
      ackWaitMs,
      doubt: (reason) => this.#supervision.doubt(reason),
      cutOff: () => this.#supervision.tell({ type: "busLost" }),
      back: () => {
        this.#leadership?.suspend();
        this.#mirrors.lease({ type: "suspended" });
        this.#supervision.busBack();
      },
      log: options.log,
      fault: this.#fault,
    });
    this.#busWatch = this.#makeBusWatch();
  }

  get leads(): boolean {
    // Others expel the lease of one that is silent for longer than it takes to know of it oneself.
    return !this.#peers.isCutOff && (this.#leadership?.leads ?? false);
  }

  /** Whether it takes from the lanes now. */
  get dispatches(): boolean {
    return !this.control.nc.isClosed() && this.#supervision.dispatches;
  }

  /** The actors of this process. */
  get kernel(): Kernel {
    return this.#supervision.kernel;
  }

  /** The state of the supervisor actor, regions side by side. */
  get state(): string {
    return this.#supervision.state;
  }

  /** Why no worker is given up now; undefined while the supervisor trusts its eyes. */
  get doubt(): string | undefined {
    return this.#supervision.freeze?.reason;
  }

  /** What is wrong with the bus; undefined while it answers. */
  get busTrouble(): string | undefined {
    return this.#busWatch.trouble;
  }

  get janitorReport(): JanitorReport {
    return this.#housekeeping.janitorReport;
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
    const paused = pauses.watch;
    const placement = (place: Parameters<typeof placementNow>[0]) =>
      placementNow(place, {
        ...this.#options,
        bus: control,
        candidates: () => fleet.candidates(),
      });
    const answering = answerControl(
      { bus: data, assignments, executions, cancels, flags, pauses, paused, placement },
      this.#fault,
    );
    const unsubscribers = answering.map((each) => () => each.unsubscribe());
    this.#closers.push(watch.stop, () => pauses.stop(), ...unsubscribers);
    this.#busWatch.start();
    for (const [name, bus] of Object.entries({ data, control })) {
      logConnection(bus, name, this.#options.log);
    }
    this.#leadership = await Leadership.start(control, this.id, {
      acquired: (revision) => {
        this.#mirrors.lease({ type: "acquired", revision });
        this.#supervision.tell({ type: "leaseAcquired" });
      },
      lost: (reason) => {
        this.#options.log.warn({ reason }, "leadership lost");
        this.#mirrors.lease({ type: "lost", reason });
        this.#supervision.tell({ type: "leaseLost" });
      },
    });
    for (const bus of [data, control]) {
      void bus.nc.closed().then((error) => {
        if (this.#stopping !== undefined) return;
        this.#options.log.error({ err: error }, "connection closed for good; stopping");
        void this.stop("connection closed");
      });
    }
    this.#supervision.ready();
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
    this.#supervision.tell({ type: "stop", reason });
    await this.#supervision.ended;
    this.scaling.stop();
    this.#peers.stop();
    this.#housekeeping.stop();
    this.#busWatch.stop();
    this.#link.stop();
    this.#pinger.stop();
    for (const close of this.#closers) close();
    await this.#announcer.settled();
    await this.journal.settled(SETTLE_JOURNAL_MS);
    // A lease that cannot be given back expires by itself.
    await this.#leadership?.stop().catch((error: unknown) => this.#fault(error, "lease release"));
    this.#mirrors.lease({ type: "released" });
    this.dispatching.assignments.stop();
    this.#supervision.kernel.stopAll();
    await Promise.all([this.#parts.data.close(), this.control.close()]);
  }

  readonly #fault = (error: unknown, what: string): void => {
    this.#options.log.error({ err: error, what }, "fault");
  };

  #makeBusWatch(): BusWatch {
    const { topology, log } = this.#options;
    const supervision = this.#supervision;
    const back = () => supervision.busBack();
    const lost = () => supervision.tell({ type: "busLost" });
    const doubt = (reason: string) => supervision.doubt(reason);
    const silence = (silentMs: number) => this.#mirrors.silence(silentMs);
    return new BusWatch(this.control, topology, { lost, back, doubt, silence }, log);
  }

  #makeSupervision(): Supervision {
    const { log, shutdownTimeoutMs } = this.#options;
    const { dispatching } = this;
    const settleMs = Math.min(SETTLE_MS, shutdownTimeoutMs);
    return new Supervision({
      orchestratorId: this.id,
      stopTimeoutMs: shutdownTimeoutMs,
      leads: () => this.leads,
      dispatching: {
        open: () => dispatching.open(),
        close: () => dispatching.close(),
        poke: () => dispatching.poke(),
        settled: () => dispatching.settled(settleMs),
      },
      lead: () => this.#lead(),
      follow: () => {
        this.#housekeeping.stop();
        this.scaling.follow();
      },
      workerFaulted: (workerId, error) => this.#workerFaulted(workerId, error),
      counts: () => dispatching.outcomes.counts,
      log,
      fault: this.#fault,
    });
  }

  #lead(): void {
    this.#announcer.catchUp(this.fleet.members());
    this.#announceLost().catch((error: unknown) => this.#fault(error, "registry"));
    this.#housekeeping.start();
    this.scaling.lead().catch((error: unknown) => this.#fault(error, "scaling"));
  }

  /** A worker whose actor failed for good is watched by nobody: what it holds goes elsewhere. */
  #workerFaulted(workerId: string, error: unknown): void {
    const member = this.fleet.faulted(workerId, error);
    if (member === undefined) return;
    const { reasons } = member.standing;
    this.#options.log.error({ workerId, reasons }, "worker is watched by nobody");
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

  #fleetWiring(): FleetWiring {
    const { heartbeatIntervalMs, drainTimeoutMs, log } = this.#options;
    return {
      control: this.control,
      dispatching: this.dispatching,
      supervision: this.#supervision,
      announcer: this.#announcer,
      refusals: this.refusals,
      admission: () => this.#admission,
      heartbeatIntervalMs,
      drainTimeoutMs,
      log,
      fault: this.#fault,
    };
  }

  #makeScaling(): Autoscaling {
    const { scaling, drainTimeoutMs, balancing, log } = this.#options;
    const candidates = () => this.fleet.candidates();
    const tide = new Tide({ decisions: this.journal, balancing, candidates, now: Date.now });
    return new Autoscaling({
      ...scaling,
      bus: this.control,
      kernel: this.#supervision.kernel,
      fleet: this.fleet,
      wishes: this.#parts.wishes,
      drainTimeoutMs,
      capacityLimit: this.dispatching.capacityLimit,
      unplaceable: () => this.dispatching.unplaceable,
      doubt: () => this.doubt,
      decisions: this.journal,
      looked: (lanes) => tide.looked(lanes),
      log,
      fault: this.#fault,
    });
  }

  #makeAdmission(): Admission {
    const { log, heartbeatIntervalMs, topology } = this.#options;
    const { control: bus, registry } = this.#parts;
    return new Admission({
      bus,
      registry,
      announcer: this.#announcer,
      fleet: this.fleet,
      refusals: this.refusals,
      heartbeatIntervalMs,
      ackWaitMs: topology.ackWaitMs,
      ping: (workerId) => this.#pinger.ping(workerId),
      log,
    });
  }
}
