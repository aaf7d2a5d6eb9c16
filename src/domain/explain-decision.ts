import type { ScalingDecision, ScalingFacts } from "./scaling-facts.ts";

/** A decision as far as explaining goes; the records of `supervisor.decision.<kind>` fit. */
export interface ToldDecision {
  readonly kind: string;
  /** ISO 8601. */
  readonly at: string;
  readonly about: {
    readonly executionId?: string | undefined;
    readonly workerId?: string | undefined;
    readonly lane?: string | undefined;
  };
  readonly inputs: unknown;
  readonly candidates: readonly ToldCandidate[];
  readonly candidatesLeftOut?: number | undefined;
  readonly choice: unknown;
  readonly reasons: readonly string[];
}

export interface ToldCandidate {
  readonly id: string;
  readonly why: string;
}

/** One thing that happened, and why. */
export interface ExplainedStep {
  /** ISO 8601; null for what is so now. */
  readonly at: string | null;
  readonly what: string;
  readonly why: readonly string[];
}

const MOST_CANDIDATES = 8;

/** What one decision was to an execution that it was about, or that it moved with others. */
export function decisionSteps(executionId: string, decision: ToldDecision): ExplainedStep[] {
  const { kind, at, reasons, inputs } = decision;
  const why = [...reasons, ...consideredText(decision)];
  const { type, workerId, order, delayMs, because } = choiceOf(decision);
  switch (kind) {
    case "assign": {
      const what = type === "assign" ? `given to worker ${workerId}` : "found no worker with room";
      return [{ at, what, why }];
    }
    case "unplaceable":
      return [{ at, what: "no worker could run it: handed back to its lane", why }];
    case "redistribute": {
      const place = (order ?? []).indexOf(executionId) + 1;
      const worker = decision.about.workerId ?? "unknown";
      const what = `its worker ${worker} was lost; it moved as number ${place} of ${(order ?? []).length}`;
      return [{ at, what, why: reasons }];
    }
    case "retry": {
      const again = delayMs ? `after ${span(delayMs)}` : "at once";
      return [{ at, what: `to be tried again ${again}`, why: reasons }];
    }
    case "deadletter": {
      const what = because === undefined ? "given up" : `given up as ${because}`;
      return [{ at, what, why: [...reasons, ...problemTexts(inputs)] }];
    }
    default:
      return [];
  }
}

/** Whether it tells of a whole lane that it waits, or no more, and not of where one task was placed. */
export function isTide({ about, choice }: Pick<ToldDecision, "about" | "choice">, lane: string) {
  if (about.lane !== lane) return false;
  return about.executionId === undefined || choiceOf({ choice }).type !== "assign";
}

/** Of the tides of a lane, oldest first, those that were waits from `from` on (epoch ms), or lasted until then. */
export function waitsSince<T extends ToldDecision>(tides: readonly T[], from: number): T[] {
  const before = tides.filter(({ at }) => Date.parse(at) < from).slice(-1);
  return [...before, ...tides.filter(({ at }) => Date.parse(at) >= from)].filter(isWait);
}

function isWait({ inputs }: ToldDecision): boolean {
  return (recordOf(inputs) as { readonly waits?: unknown }).waits !== false;
}

/** A lane that waited, since nobody had room. */
export function waitStep(decision: ToldDecision): ExplainedStep {
  const { at, about, inputs, reasons } = decision;
  const { pending } = recordOf(inputs) as { readonly pending?: unknown };
  const others = typeof pending === "number" ? `, with ${pending} in it` : "";
  const what = `the lane ${about.lane ?? "unknown"} waited${others}`;
  const [, ...rest] = reasons;
  const because = typeof pending === "number" ? rest : reasons;
  return { at, what, why: [...because, ...consideredText(decision)] };
}

/** How the lanes and the fleet stood when scaling was decided; nothing when that is not known. */
export function scalingSteps({ at, inputs, choice, reasons }: ToldDecision, lane: string | null) {
  const { facts } = recordOf(inputs) as { readonly facts?: Partial<ScalingFacts> };
  const { workers, lanes, meanLoad } = facts ?? {};
  if (!Array.isArray(workers) || !Array.isArray(lanes)) return [];
  const waiting = lanes.find((each) => each?.lane === lane)?.waiting ?? 0;
  const free = workers.filter((each) => each?.available && !each?.leaving).length;
  const load = typeof meanLoad === "number" ? percent(meanLoad) : "unknown";
  const fleet = `${free} of ${workers.length} workers could be given tasks`;
  const what = `${waiting} waited in the lane ${lane}; ${fleet}, mean load ${load}`;
  return [{ at, what, why: [scaleText(recordOf(choice)), ...reasons] }];
}

/** Who was considered and how each did, the best first. */
export function consideredText(told: {
  readonly candidates: readonly ToldCandidate[];
  readonly candidatesLeftOut?: number | undefined;
}): string[] {
  const { candidates, candidatesLeftOut = 0 } = told;
  const named = candidates.slice(0, MOST_CANDIDATES);
  const more = candidates.length - named.length + candidatesLeftOut;
  return [
    ...named.map(({ id, why }) => `considered ${id}: ${why}`),
    ...(more > 0 ? [`considered ${more} more that did no better`] : []),
  ];
}

/** "12 ms", "3.4 s", "5 min 10 s". */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function scaleText({ action, count, desired }: Partial<ScalingDecision>): string {
  return action === "hold"
    ? `kept ${count} workers`
    : `${action} from ${count} to ${desired} workers`;
}

interface Choice {
  readonly type?: unknown;
  readonly workerId?: unknown;
  readonly order?: readonly string[] | undefined;
  readonly delayMs?: number | undefined;
  readonly because?: unknown;
}

function choiceOf({ choice }: Pick<ToldDecision, "choice">): Choice {
  const { order, delayMs, ...rest } = recordOf(choice) as Record<string, unknown>;
  return {
    ...rest,
    order: Array.isArray(order) ? order : undefined,
    delayMs: typeof delayMs === "number" ? delayMs : undefined,
  };
}

function problemTexts(inputs: unknown): string[] {
  const { problems } = recordOf(inputs) as { readonly problems?: unknown };
  if (!Array.isArray(problems)) return [];
  return problems.map((each) => `${each?.pointer || "/"} ${each?.detail}`);
}

/** Records come from the bus, where anybody may write. */
function recordOf(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
