import {
  type Freeze,
  type SupervisorEffects,
  supervisorWith,
} from "../../actors/supervisor-effects.ts";
import type { SupervisorEvent } from "../../actors/supervisor-facts.ts";
import type { WorkerEvent } from "../../actors/worker-events.ts";
import type { ActorRef } from "../kernel/actor.ts";
import { Kernel } from "../kernel/kernel.ts";
import { SystemClock } from "../kernel/system-clock.ts";
import type { ProcessLog } from "./process-log.ts";

/** What the supervisor of an orchestrator has done, and what it has to know. */
export interface SupervisionOptions {
  readonly orchestratorId: string;
  readonly stopTimeoutMs: number;
  readonly leads: () => boolean;
  readonly dispatching: {
    open(): void;
    close(): void;
    /** There may be room for work. */
    poke(): void;
    /** Resolves once nothing is in flight, or when that takes too long. */
    settled(): Promise<void>;
  };
  readonly lead: () => void;
  readonly follow: () => void;
  /** The actor of a worker failed too often and was given up. */
  readonly workerFaulted: (workerId: string, error: unknown) => void;
  /** How it all went, for the log of the end. */
  readonly counts: () => object;
  readonly log: ProcessLog;
  readonly fault: (error: unknown, what: string) => void;
}

const SUPERVISOR = "supervisor";
const WORKER = "worker/";

/** Beats that came during a stall this long of our own may have been missed. */
const DOUBT_AFTER_STALL_MS = 1_000;

/** The actors of an orchestrator: its supervisor, which doubts itself first, and beside it the workers'. */
export class Supervision {
  readonly kernel: Kernel;
  /** Resolves when the supervisor has done all that is to be done at the end. */
  readonly ended: Promise<void>;
  readonly #options: SupervisionOptions;
  readonly #supervisor: ActorRef<SupervisorEvent>;
  #end = () => {};
  #freeze: Freeze | undefined;
  #isServing = false;

  constructor(options: SupervisionOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.kernel = this.#makeKernel();
    const { orchestratorId, stopTimeoutMs } = options;
    this.#supervisor = this.kernel.start({
      address: SUPERVISOR,
      incarnation: orchestratorId,
      machine: supervisorWith(this.#effects()),
      input: { orchestratorId, now: () => this.kernel.clock.now(), stopTimeoutMs },
    });
  }

  /** Set while no worker is given up; who joins then is not judged either. */
  get freeze(): Freeze | undefined {
    return this.#freeze;
  }

  /** Whether the supervisor has it take from the lanes now. */
  get dispatches(): boolean {
    return this.#supervisor.snapshot().tags.has("dispatching");
  }

  /** The state of the supervisor actor, regions side by side. */
  get state(): string {
    return this.#supervisor.snapshot().state;
  }

  /** Everything is wired: it may begin. */
  ready(): void {
    this.#isServing = true;
    this.#supervisor.send({ type: "ready" });
  }

  tell(event: SupervisorEvent): void {
    this.#supervisor.send(event);
  }

  doubt(reason: string): void {
    // By its address: a stall may be noticed before the supervisor has been started.
    this.kernel.send(SUPERVISOR, { type: "doubt", reason } as SupervisorEvent);
  }

  busBack(): void {
    this.#supervisor.send({ type: "busBack" });
    // Losing the bus counted as losing the lease; if it is still held, that was an error.
    if (this.#options.leads()) this.#supervisor.send({ type: "leaseAcquired" });
  }

  #makeKernel(): Kernel {
    const { log, workerFaulted } = this.#options;
    const onStall = (stalledMs: number) => {
      if (stalledMs < DOUBT_AFTER_STALL_MS) return;
      this.doubt(`its event loop stood still for ${Math.round(stalledMs)} ms`);
    };
    return new Kernel({
      clock: new SystemClock({ onStall }),
      onEnd: ({ address }) => {
        if (address === SUPERVISOR) this.#end();
      },
      onFault: ({ address, error, restartInMs }) => {
        log.error({ err: error, address, restartInMs }, "actor failed");
        const isForGood = restartInMs === undefined && address.startsWith(WORKER);
        if (isForGood) workerFaulted(address.slice(WORKER.length), error);
      },
      onListenerError: (error) => log.error({ err: error }, "listener failed"),
    });
  }

  /** The supervisor actor begins: with its process, or once more after it failed and knows nothing. */
  #recover(): void {
    this.#options.log.debug({}, "orchestrator starting");
    if (!this.#isServing) return;
    this.#supervisor.send({ type: "ready" });
    if (this.#options.leads()) this.#supervisor.send({ type: "leaseAcquired" });
  }

  #effects(): SupervisorEffects {
    const { orchestratorId, dispatching, log, lead, follow, counts, fault } = this.#options;
    return {
      recover: () => this.#recover(),
      resync: () => dispatching.poke(),
      openDispatch: () => dispatching.open(),
      closeDispatch: () => dispatching.close(),
      lead: () => {
        log.info({ orchestratorId }, "leading");
        lead();
      },
      follow: () => {
        log.info({ orchestratorId }, "standing by");
        follow();
      },
      freezeVerdicts: (freeze) => this.#freezeVerdicts(freeze),
      thawVerdicts: () => this.#thawVerdicts(),
      settle: () => void dispatching.settled().then(() => this.tell({ type: "drained" })),
      release: () => log.info({ orchestratorId, ...counts() }, "orchestrator done"),
      effectFailed: (effect, error) => fault(error, effect),
    };
  }

  #freezeVerdicts(freeze: Freeze): void {
    const { log } = this.#options;
    if (this.#freeze === undefined) log.warn({ reason: freeze.reason }, "verdicts frozen");
    this.#freeze = freeze;
    for (const worker of this.kernel.list<WorkerEvent>(WORKER))
      worker.send({ type: "freeze", ...freeze });
  }

  #thawVerdicts(): void {
    this.#options.log.info({}, "verdicts thawed");
    this.#freeze = undefined;
    for (const worker of this.kernel.list<WorkerEvent>(WORKER)) worker.send({ type: "thaw" });
  }
}
