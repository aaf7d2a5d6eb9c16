import { InvalidInputError, type Problem } from "./errors.ts";
import type { ScalingMode } from "./scaling-facts.ts";

/** What a person wants of scaling, as it is kept in the bucket `config`, for every leader to come. */
export interface ScalingWish {
  readonly mode: ScalingMode;
  /** Instead of the settings; null where these hold. */
  readonly minWorkers: number | null;
  readonly maxWorkers: number | null;
  readonly reason: string;
  /** ISO 8601; null for the wish that nobody has uttered. */
  readonly at: string | null;
}

/** What is to change about it. `workers` alone means `mode: "fixed"`; null takes a limit back to its setting. */
export interface WishChange {
  readonly mode?: "auto" | "paused" | "fixed" | undefined;
  readonly workers?: number | undefined;
  readonly minWorkers?: number | null | undefined;
  readonly maxWorkers?: number | null | undefined;
  readonly reason?: string | undefined;
}

/** The limits by the settings. */
export interface ScalingLimits {
  readonly minWorkers: number;
  readonly maxWorkers: number;
}

export const NO_WISH: ScalingWish = {
  mode: { type: "auto" },
  minWorkers: null,
  maxWorkers: null,
  reason: "",
  at: null,
};

/** The limits that hold: the wish's own, else the settings'. */
export function limitsOf(wish: ScalingWish, settings: ScalingLimits): ScalingLimits {
  const maxWorkers = wish.maxWorkers ?? settings.maxWorkers;
  // A setting gives way to the wish it contradicts: the wish is newer.
  const minWorkers = wish.minWorkers ?? Math.min(settings.minWorkers, maxWorkers);
  return { minWorkers, maxWorkers: Math.max(minWorkers, maxWorkers) };
}

/**
 * The mode that holds. Switched off, scaling keeps the number that there is to be, which it starts where it has
 * to: somebody has to run the flows. What a person asked for holds even so.
 */
export function modeOf({ mode }: ScalingWish, enabled: boolean, held: number): ScalingMode {
  return enabled || mode.type !== "auto" ? mode : { type: "fixed", workers: held };
}

/**
 * The wish after a change.
 *
 * @throws InvalidInputError that names each field at fault, with the limits that it breaks.
 */
export function changedWish(
  wish: ScalingWish,
  change: WishChange,
  settings: ScalingLimits,
  at: string,
): ScalingWish {
  const mode = changedMode(wish, change);
  const limits = {
    minWorkers: change.minWorkers === undefined ? wish.minWorkers : change.minWorkers,
    maxWorkers: change.maxWorkers === undefined ? wish.maxWorkers : change.maxWorkers,
  };
  const changed = { mode, ...limits, reason: change.reason ?? "", at };
  const problems = problemsOf(changed, change, settings);
  const [first] = problems;
  if (first !== undefined) throw new InvalidInputError(first.detail, { problems });
  return changed;
}

function changedMode({ mode }: ScalingWish, change: WishChange): ScalingMode {
  const type = change.mode ?? (change.workers === undefined ? mode.type : "fixed");
  if (type !== "fixed") return { type };
  const known = mode.type === "fixed" ? mode.workers : Number.NaN;
  return { type, workers: change.workers ?? known };
}

function problemsOf(wish: ScalingWish, change: WishChange, settings: ScalingLimits): Problem[] {
  const { mode } = wish;
  const { minWorkers, maxWorkers } = {
    minWorkers: wish.minWorkers ?? settings.minWorkers,
    maxWorkers: wish.maxWorkers ?? settings.maxWorkers,
  };
  const problems: Problem[] = [];
  const tell = (pointer: string, detail: string) =>
    problems.push({ code: "E_SCALING", pointer, detail });
  if (change.mode !== undefined && change.mode !== "fixed" && change.workers !== undefined)
    tell("/workers", `a number of workers goes with mode "fixed", not with "${change.mode}"`);
  if (mode.type === "fixed" && Number.isNaN(mode.workers))
    tell("/workers", 'mode "fixed" needs "workers", the number to keep');
  if (mode.type === "fixed" && mode.workers > maxWorkers)
    tell("/workers", `${mode.workers} workers are more than the most, ${maxWorkers}`);
  if (wish.minWorkers !== null && minWorkers > maxWorkers)
    tell("/minWorkers", `at least ${minWorkers} workers are more than the most, ${maxWorkers}`);
  if (wish.maxWorkers === 0) tell("/maxWorkers", "at most 0 workers would run nothing");
  return problems;
}
