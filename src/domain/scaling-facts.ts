import type { Lane } from "./lane.ts";

/** The limits within which the number of workers is decided. Times in milliseconds. */
export interface ScalingPolicy {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** More waiting executions than this ask for more workers. */
  readonly highWatermark: number;
  /** Workers are retired only below this many waiting executions. */
  readonly lowWatermark: number;
  /** Mean load above which more workers are asked for, 0-1. */
  readonly upLoad: number;
  /** Mean load below which workers are retired, 0-1. */
  readonly downLoad: number;
  /** Within this time a backlog shall be worked off. */
  readonly drainTargetMs: number;
  /** The share of all slots that the size by load aims at, 0-1. */
  readonly utilisation: number;
  /** How many workers a guard asks for where the load itself does not ask for more. */
  readonly upStep: number;
  /** How many workers are retired at a time. */
  readonly downStep: number;
  /** Between two scale-ups. */
  readonly upCooldownMs: number;
  /** Between a scale-down and the scaling before it, up or down. */
  readonly downCooldownMs: number;
  /** The fleet never shrinks below the largest size that the load asked for within this time. */
  readonly stabilizationMs: number;
}

/** What a person asked for: decide by load, hold the count, or keep a fixed one. */
export type ScalingMode =
  | { readonly type: "auto" }
  | { readonly type: "paused" }
  | { readonly type: "fixed"; readonly workers: number };

/** How one lane stands. */
export interface LaneLoad {
  readonly lane: Lane;
  /** Executions that wait for a worker. */
  readonly waiting: number;
  /** How long the oldest of them has waited; null when none waits. */
  readonly oldestAgeMs: number | null;
}

/** One live worker as scaling sees it. */
export interface WorkerLoad {
  readonly workerId: string;
  /** May be given tasks: healthy or degraded, and heard of. */
  readonly available: boolean;
  /** On its way out: it counts no more. */
  readonly leaving: boolean;
  /** How many tasks it may hold at once. */
  readonly slots: number;
  readonly inFlight: number;
  /** Whether the provisioner started it and can stop it. */
  readonly managed: boolean;
}

/** Everything that is known when scaling is decided; times are epoch milliseconds. */
export interface ScalingFacts {
  readonly now: number;
  readonly mode: ScalingMode;
  readonly lanes: readonly LaneLoad[];
  readonly workers: readonly WorkerLoad[];
  /** Workers asked of the provisioner that have not registered yet. */
  readonly starting: number;
  /** Share of the usable slots that was in use, as a mean over the last seconds; null where nothing is known. */
  readonly meanLoad: number | null;
  /** The same at this moment. */
  readonly load: number | null;
  /** Executions that came in, per second, over the last minute. */
  readonly arrivalsPerS: number;
  /** How long a task keeps a slot, as a mean; null before the first one ended. */
  readonly meanServiceMs: number | null;
  /** Tasks that wait because no live worker can run them. */
  readonly unplaceable: number;
  /** Why nothing may be decided: the supervisor doubts itself. */
  readonly frozen: string | null;
  /** Why nothing may be started: so many workers died that more of them mend nothing. */
  readonly escalated: string | null;
  /** What the load asked for at earlier decisions, oldest first. */
  readonly sizes: readonly { readonly at: number; readonly size: number }[];
  /** Nobody here starts or stops workers: others read how many there shall be, and act. */
  readonly advisory: boolean;
  /** How many workers were decided last; null before the first decision. */
  readonly target: number | null;
  readonly lastUpAt: number | null;
  readonly lastDownAt: number | null;
}

/** What is to be done about the number of workers, and why. */
export interface ScalingDecision {
  readonly action: "up" | "down" | "hold";
  /** How many workers there shall be. */
  readonly desired: number;
  /** How many there are, those that are starting included and those that leave not. */
  readonly count: number;
  /** What the load alone asks for; null while nothing is known of how long tasks take. */
  readonly size: number | null;
  /** How many are to be started. */
  readonly start: number;
  /** Who is to be drained, the emptiest first. */
  readonly drain: readonly string[];
  readonly reasons: readonly string[];
}

/** All that waits, over the lanes. */
export function depthOf({ lanes }: Pick<ScalingFacts, "lanes">): number {
  return lanes.reduce((sum, { waiting }) => sum + waiting, 0);
}
