import { ulid } from "ulid";
import type { Bus } from "../../src/bus/connect.ts";
import type { RegisterMessage, RegisterReply } from "../../src/messages/worker.ts";

const BEAT_MS = 500;

/** A worker that speaks the protocol and does nothing, until it says that it is out of memory. */
export class OverloadedWorker {
  readonly #bus: Bus;
  readonly #registration: RegisterMessage;
  #memoryUsagePercent = 12;
  #seq = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(bus: Bus, workerId: string) {
    this.#bus = bus;
    this.#registration = {
      workerId,
      incarnation: ulid(),
      hostname: "demo",
      pid: process.pid,
      version: "0",
      transport: "nats",
      capacity: {
        maxConcurrentFlows: 1,
        maxConcurrentNodes: 1,
        memoryLimitMB: 512,
        cpuLimitCores: 1,
      },
      // Of no flow of the demo: it is given nothing.
      supportedNodeTypes: ["demo-none"],
      heartbeatIntervalMs: BEAT_MS,
    };
  }

  async start(): Promise<void> {
    const { nc, names } = this.#bus;
    const { workerId, incarnation } = this.#registration;
    nc.subscribe(names.ping(workerId), {
      callback: (_, msg) => void msg.respond(JSON.stringify({ workerId, incarnation })),
    });
    const reply = await nc.request(names.register(workerId), JSON.stringify(this.#registration));
    const { accepted, reason } = reply.json<RegisterReply>();
    if (!accepted) throw new Error(`${workerId} was refused: ${reason}`);
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    this.#beat();
  }

  overload(): void {
    this.#memoryUsagePercent = 97;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const { nc, names } = this.#bus;
    const { workerId, incarnation } = this.#registration;
    const memoryUsagePercent = this.#memoryUsagePercent;
    const load = { activeFlows: 0, activeNodes: 0, queuedTasks: 0, cpuUsagePercent: 2 };
    const performance = {
      tasksCompleted: 0,
      tasksInProgress: 0,
      averageExecutionTimeMs: 0,
      errorRate: 0,
      currentLoad: 0,
    };
    const beat = {
      workerId,
      incarnation,
      seq: this.#seq++,
      at: new Date().toISOString(),
      status: "healthy",
      currentLoad: { ...load, memoryUsagePercent },
      performance,
      eventLoopLagMs: 0,
      inFlight: [],
    };
    nc.publish(names.heartbeat(workerId), JSON.stringify(beat));
  }
}
