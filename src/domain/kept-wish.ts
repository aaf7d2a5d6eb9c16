import type { ScalingMode } from "./scaling-facts.ts";
import { NO_WISH, type ScalingWish } from "./scaling-wish.ts";

/** Beyond this a number of workers is none (docs/configuration.md). */
const MOST = 10_000;

/** The wish that a text holds. What makes no sense in it counts as nothing said, and the reason tells so. */
export function wishFrom(text: string): ScalingWish {
  const said = objectIn(text);
  const mode = modeFrom(said.mode);
  const minWorkers = workersFrom(said.minWorkers, 0);
  const maxWorkers = workersFrom(said.maxWorkers, 1);
  const reason = typeof said.reason === "string" ? said.reason : undefined;
  const at = typeof said.at === "string" ? said.at : null;
  const wish = { ...NO_WISH, mode: mode ?? NO_WISH.mode, minWorkers, maxWorkers, at };
  const isWhole = mode !== undefined && reason !== undefined;
  return {
    ...wish,
    minWorkers:
      maxWorkers !== null && minWorkers !== null && minWorkers > maxWorkers ? null : minWorkers,
    reason: isWhole ? reason : "some of what is kept about scaling cannot be read",
  };
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function modeFrom(said: unknown): ScalingMode | undefined {
  const { type, workers } = (said ?? {}) as { type?: unknown; workers?: unknown };
  if (type === "auto" || type === "paused") return { type };
  const fixed = workersFrom(workers, 0);
  return type === "fixed" && fixed !== null ? { type, workers: fixed } : undefined;
}

function workersFrom(said: unknown, least: number): number | null {
  const isNumber = typeof said === "number" && Number.isInteger(said);
  return isNumber && said >= least && said <= MOST ? said : null;
}
