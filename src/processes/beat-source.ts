import type { DrainNotice } from "../messages/worker.ts";
import type { BeatState, LongTask } from "./beat-state.ts";

/** Where the beats of a worker come from: a thread of its process, or another system that it stands for. */
export interface BeatSource {
  readonly state: BeatState;
  /** Tasks that take their time: their ack_wait is to be extended for as long as the worker lives. */
  took(tasks: readonly LongTask[]): void;
  dropped(executionId: string): void;
  reincarnated(incarnation: string): void;
  /** Beats at once, and tells from now on that the worker drains. */
  drains(notice: DrainNotice): void;
  beatNow(): void;
  stop(): Promise<void>;
}

/** What a worker tells its beats when it has been admitted. */
export interface BeatStart {
  readonly incarnation: string;
  readonly ackWaitMs: number;
}
