import { ulid } from "ulid";
import type { Bus } from "../../src/bus/connect.ts";
import type { Heartbeat, RegisterMessage, RegisterReply } from "../../src/messages/worker.ts";

/** A registration as it should be, with changes that need not be. */
export function registrationOf(workerId: string, changes: object = {}): RegisterMessage {
  return {
    workerId,
    incarnation: ulid(),
    hostname: "test",
    pid: 1,
    version: "0",
    transport: "nats",
    capacity: {
      maxConcurrentFlows: 1,
      maxConcurrentNodes: 1,
      memoryLimitMB: 1_024,
      cpuLimitCores: 1,
    },
    supportedNodeTypes: ["noop"],
    heartbeatIntervalMs: 400,
    ...changes,
  } as RegisterMessage;
}

/** The beat of a worker that has nothing to do. */
export function idleBeat(workerId: string, incarnation: string, seq: number): Heartbeat {
  return {
    workerId,
    incarnation,
    seq,
    at: new Date().toISOString(),
    status: "healthy",
    currentLoad: {
      activeFlows: 0,
      activeNodes: 0,
      queuedTasks: 0,
      memoryUsagePercent: 10,
      cpuUsagePercent: 1,
    },
    performance: {
      tasksCompleted: 0,
      tasksInProgress: 0,
      averageExecutionTimeMs: 0,
      errorRate: 0,
      currentLoad: 0,
    },
    eventLoopLagMs: 0,
    inFlight: [],
  };
}

export async function register(
  { nc, names }: Bus,
  registration: RegisterMessage,
): Promise<RegisterReply> {
  const subject = names.register(registration.workerId);
  const reply = await nc.request(subject, JSON.stringify(registration), { timeout: 90_000 });
  return reply.json<RegisterReply>();
}

/** A worker that speaks the protocol, answers pings and beats, and does with its tasks what the test says. */
export class FakeWorker {
  readonly workerId: string;
  readonly incarnation: string;
  readonly #bus: Bus;
  readonly #beat: (idle: Heartbeat) => object;
  #timer: NodeJS.Timeout | undefined;
  #seq = 0;

  private constructor(bus: Bus, registration: RegisterMessage, beat: (idle: Heartbeat) => object) {
    this.workerId = registration.workerId;
    this.incarnation = registration.incarnation;
    this.#bus = bus;
    this.#beat = beat;
  }

  /** `beat` may change what it says of itself; `task` answers a task, or stays silent. */
  static async start(
    bus: Bus,
    workerId: string,
    options: FakeWorkerOptions = {},
  ): Promise<FakeWorker> {
    const { nc, names } = bus;
    const { changes = {}, beat = (idle) => idle, task = () => undefined } = options;
    const registration = registrationOf(workerId, changes);
    const worker = new FakeWorker(bus, registration, beat);
    nc.subscribe(names.ping(workerId), {
      callback: (_, msg) => {
        if (options.isDeaf === true) return;
        msg.respond(JSON.stringify({ workerId, incarnation: worker.incarnation }));
      },
    });
    nc.subscribe(names.task(workerId), {
      callback: (_, msg) => {
        const answer = task(msg.headers?.get("Batuta-Execution") ?? "");
        if (answer !== undefined) msg.respond(JSON.stringify(answer));
      },
    });
    await register(bus, registration);
    worker.#timer = setInterval(() => worker.beat(), 400);
    worker.beat();
    return worker;
  }

  beat(): void {
    const { workerId, incarnation } = this;
    const beat = this.#beat(idleBeat(workerId, incarnation, this.#seq++));
    if (this.#bus.nc.isClosed()) this.stop();
    else this.#bus.nc.publish(this.#bus.names.heartbeat(workerId), JSON.stringify(beat));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

export interface FakeWorkerOptions {
  readonly changes?: object;
  readonly beat?: (idle: Heartbeat) => object;
  readonly task?: (executionId: string) => object | undefined;
  /** It listens for pings and answers none, as one whose loop stands still. */
  readonly isDeaf?: boolean;
}
