import { extend } from "../../bus/ack.ts";
import type { Bus } from "../../bus/connect.ts";
import type { AmqpHeartbeat } from "../../messages/amqp-worker.ts";
import type { DrainNotice, Heartbeat } from "../../messages/worker.ts";
import type { BeatSource, BeatStart } from "../beat-source.ts";
import { BeatState, type LongTask } from "../beat-state.ts";

/**
 * The beats of a worker that speaks AMQP: one for each that it sends there, so that its silence is heard by
 * the supervisor as that of any other worker.
 */
export class RelayedBeats implements BeatSource {
  readonly state = new BeatState();
  readonly #bus: Bus;
  readonly #workerId: string;
  readonly #slots: number;
  readonly #inFlight = new Map<string, LongTask>();
  readonly #extender: NodeJS.Timeout;
  #incarnation: string;
  #seq = 0;
  #drain: DrainNotice | undefined;
  #last: AmqpHeartbeat;

  constructor(bus: Bus, workerId: string, slots: number, { incarnation, ackWaitMs }: BeatStart) {
    this.#bus = bus;
    this.#workerId = workerId;
    this.#slots = slots;
    this.#incarnation = incarnation;
    this.#last = { workerId };
    this.#extender = setInterval(() => this.#extend(), ackWaitMs / 3);
    // To register is a sign of life as well.
    this.beatNow();
  }

  /** The worker has sent one. */
  heard(beat: AmqpHeartbeat): void {
    this.#last = beat;
    this.beatNow();
  }

  took(tasks: readonly LongTask[]): void {
    for (const task of tasks) this.#inFlight.set(task.executionId, task);
  }

  dropped(executionId: string): void {
    this.#inFlight.delete(executionId);
  }

  reincarnated(incarnation: string): void {
    this.#incarnation = incarnation;
    this.#seq = 0;
  }

  drains(notice: DrainNotice): void {
    this.#drain = notice;
    this.beatNow();
  }

  beatNow(): void {
    const { nc, names } = this.#bus;
    if (!nc.isClosed()) nc.publish(names.heartbeat(this.#workerId), JSON.stringify(this.#beat()));
  }

  async stop(): Promise<void> {
    clearInterval(this.#extender);
  }

  #beat(): Heartbeat {
    const { state } = this;
    const { status = "healthy", currentLoad = {} } = this.#last;
    const active = state.get("activeFlows");
    const [completed, failed] = [state.get("completed"), state.get("failed")];
    const ended = completed + failed;
    return {
      workerId: this.#workerId,
      incarnation: this.#incarnation,
      seq: this.#seq++,
      at: new Date().toISOString(),
      status,
      currentLoad: {
        activeFlows: active,
        activeNodes: Math.round(currentLoad.activeNodes ?? active),
        queuedTasks: Math.round(currentLoad.queuedTasks ?? 0),
        memoryUsagePercent: currentLoad.memoryUsagePercent ?? 0,
        cpuUsagePercent: currentLoad.cpuUsagePercent ?? 0,
      },
      performance: {
        tasksCompleted: completed,
        tasksInProgress: active,
        averageExecutionTimeMs: ended === 0 ? 0 : state.get("totalRunMs") / ended,
        errorRate: ended === 0 ? 0 : failed / ended,
        currentLoad: active / this.#slots,
      },
      eventLoopLagMs: 0,
      inFlight: [...this.#inFlight.values()].map(({ executionId, attempt }) => ({
        executionId,
        attempt,
      })),
      ...(this.#drain === undefined ? {} : { draining: true, drain: this.#drain }),
    };
  }

  #extend(): void {
    for (const { ackSubject } of this.#inFlight.values()) extend(this.#bus, ackSubject);
  }
}
