import { monitorEventLoopDelay } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import type { DrainNotice } from "../messages/worker.ts";
import type { BeatSource } from "./beat-source.ts";
import {
  BeatState,
  type BeatThreadSettings,
  type LongTask,
  TICK_MS,
  type ToBeatThread,
} from "./beat-state.ts";

/** Run from sources (tsx, vitest) the thread still needs compiled code: Node 20 cannot load TypeScript. */
const THREAD_URL = import.meta.url.endsWith(".ts")
  ? new URL("../../dist/src/processes/heartbeat-thread.js", import.meta.url)
  : new URL("./heartbeat-thread.js", import.meta.url);

/** The lag is the 99th percentile of two seconds: a window of one tick would hide a stall between beats. */
const TICKS_PER_WINDOW = 10;

/**
 * A worker's heartbeat, as its main thread sees it: starts the thread, keeps the shared numbers
 * true, and tells the thread which tasks to extend.
 */
export class Beats implements BeatSource {
  readonly state: BeatState;
  readonly #thread: Worker;
  readonly #exited: Promise<void>;
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  readonly #ticker: NodeJS.Timeout;
  readonly #known = new Set<string>();
  #ticks = 0;

  private constructor(state: BeatState, thread: Worker, exited: Promise<void>) {
    this.state = state;
    this.#thread = thread;
    this.#exited = exited;
    this.#delay.enable();
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  /** Resolves once the thread is connected and has sent its first beat. */
  static async start(
    settings: Omit<BeatThreadSettings, "buffer">,
    onFault: (error: Error) => void,
  ): Promise<Beats> {
    const state = new BeatState();
    state.set("tickedAt", Date.now());
    const thread = new Worker(THREAD_URL, { workerData: { ...settings, buffer: state.buffer } });
    // From the start: after a fault the thread may be gone before anybody waits for it.
    const exited = new Promise<void>((resolve) => thread.once("exit", () => resolve()));
    await new Promise<void>((resolve, reject) => {
      thread.once("message", () => resolve());
      thread.once("error", reject);
    });
    thread.on("error", onFault);
    return new Beats(state, thread, exited);
  }

  /** Tasks that are still running at the end of the tick that took them. */
  took(tasks: readonly LongTask[]): void {
    for (const { executionId } of tasks) this.#known.add(executionId);
    this.#post({ type: "took", tasks });
  }

  /** A task has ended; the thread hears of it only if it had heard of its start. */
  dropped(executionId: string): void {
    if (this.#known.delete(executionId))
      this.#post({ type: "dropped", executionIds: [executionId] });
  }

  reincarnated(incarnation: string): void {
    this.#post({ type: "incarnation", incarnation });
  }

  /** Beats at once, and tells from now on that the worker drains. */
  drains(notice: DrainNotice): void {
    this.#post({ type: "drains", reason: notice.reason, until: Date.now() + notice.leftMs });
    this.beatNow();
  }

  /** Beats now instead of at the next turn. */
  beatNow(): void {
    this.#post({ type: "beat" });
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    this.#delay.disable();
    this.#post({ type: "stop" });
    const late = setTimeout(() => void this.#thread.terminate(), 2_000);
    await this.#exited;
    clearTimeout(late);
  }

  #tick(): void {
    this.state.set("tickedAt", Date.now());
    this.#ticks += 1;
    if (this.#ticks % TICKS_PER_WINDOW !== 0) return;
    const p99Ms = this.#delay.percentile(99) / 1e6;
    // The histogram counts from its own 20 ms resolution.
    this.state.set("lagMs", Math.max(0, p99Ms - 20));
    this.#delay.reset();
  }

  #post(message: ToBeatThread): void {
    this.#thread.postMessage(message);
  }
}
