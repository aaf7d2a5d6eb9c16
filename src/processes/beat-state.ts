/**
 * What the main thread of a worker shows to its heartbeat thread, in shared memory: the beat must
 * tell the truth while the main thread is blocked and answers nothing.
 */
const FIELDS = [
  "tickedAt",
  "lagMs",
  "activeFlows",
  "activeNodes",
  "completed",
  "failed",
  "totalRunMs",
  "lastTakenAt",
  "lastAckAt",
  "draining",
] as const;

export type BeatField = (typeof FIELDS)[number];

const INDEX = Object.fromEntries(FIELDS.map((field, index) => [field, index])) as Record<
  BeatField,
  number
>;

/** How often the main thread proves that it turns. */
export const TICK_MS = 200;

export class BeatState {
  readonly buffer: SharedArrayBuffer;
  readonly #values: Float64Array;

  constructor(buffer = new SharedArrayBuffer(FIELDS.length * Float64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#values = new Float64Array(buffer);
  }

  get(field: BeatField): number {
    return this.#values[INDEX[field]] ?? 0;
  }

  set(field: BeatField, value: number): void {
    this.#values[INDEX[field]] = value;
  }

  add(field: BeatField, amount: number): void {
    this.set(field, this.get(field) + amount);
  }
}

/** A task that runs long enough to need its ack_wait extended. */
export interface LongTask {
  readonly executionId: string;
  readonly attempt: number;
  readonly ackSubject: string;
}

/** Why the worker drains, and until when at the most (epoch ms). */
export interface Draining {
  readonly reason: string;
  readonly until: number;
}

/** From the main thread to the heartbeat thread. */
export type ToBeatThread =
  | { readonly type: "incarnation"; readonly incarnation: string }
  | { readonly type: "took"; readonly tasks: readonly LongTask[] }
  | { readonly type: "dropped"; readonly executionIds: readonly string[] }
  | ({ readonly type: "drains" } & Draining)
  | { readonly type: "beat" }
  | { readonly type: "stop" };

/** What the thread is started with. */
export interface BeatThreadSettings {
  readonly natsUrl: string;
  readonly prefix: string;
  readonly workerId: string;
  readonly incarnation: string;
  readonly intervalMs: number;
  readonly ackWaitMs: number;
  readonly slots: number;
  readonly memoryLimitMB: number;
  readonly cpuLimitCores: number;
  readonly buffer: SharedArrayBuffer;
}
