import type { Chart } from "../../src/domain/chart.ts";
import type { ActorRecord } from "../../src/messages/inspection.ts";
import type { ActorSummary } from "../../src/messages/inspection-live.ts";

/** Each state that is active, and those around it: "a.b c" is a, a.b and c. */
export function activePaths(state: string): Set<string> {
  const paths = new Set<string>();
  for (const part of state.split(" ")) {
    const steps = part.split(".");
    for (const i of steps.keys()) paths.add(steps.slice(0, i + 1).join("."));
  }
  return paths;
}

export type Mood = "good" | "warn" | "bad" | "off" | "busy" | "plain";

const MOODS: Readonly<Record<string, Mood>> = {
  healthy: "good",
  ready: "good",
  leading: "good",
  running: "good",
  completed: "good",
  degraded: "warn",
  suspect: "warn",
  silent: "warn",
  failing: "bad",
  suspended: "warn",
  paused: "warn",
  cancelling: "warn",
  doubting: "warn",
  critical: "bad",
  reconnecting: "bad",
  failed: "bad",
  faulted: "bad",
  cut: "bad",
  draining: "busy",
  registering: "busy",
  starting: "busy",
  deciding: "busy",
  scalingUp: "busy",
  scalingDown: "busy",
  committing: "busy",
  offline: "off",
  closed: "off",
  stopped: "off",
  done: "off",
};

const WORST: readonly Mood[] = ["bad", "warn", "busy", "off", "good", "plain"];

/** How an actor is, at a glance: the worst of what its states say. */
export function moodOf({ state, status }: Pick<ActorSummary, "state" | "status">): Mood {
  if (status === "faulted" || status === "restarting") return "bad";
  const moods = [...activePaths(state)].map(
    (path) => MOODS[path.split(".").at(-1) ?? ""] ?? "plain",
  );
  return WORST.find((mood) => moods.includes(mood)) ?? "plain";
}

/** A sign for each mood: colour alone would not be seen by all. */
export const SIGNS: Readonly<Record<Mood, string>> = {
  good: "●",
  warn: "▲",
  bad: "■",
  off: "○",
  busy: "◆",
  plain: "•",
};

/** How many actors of a machine are in each state. */
export function population(actors: Iterable<ActorSummary>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { state } of actors)
    for (const path of activePaths(state)) counts.set(path, (counts.get(path) ?? 0) + 1);
  return counts;
}

/** The event as the chart names it: `xstate.after.silence.healthy` is `silence`. */
export function eventName(type: string): string {
  return /^xstate\.after\.([^.]+)\./.exec(type)?.[1] ?? type;
}

/** From which states to which a record went, where it went to other ones. */
export function moveOf({
  from,
  state,
}: ActorRecord): { from: Set<string>; to: Set<string> } | undefined {
  if (from === undefined || from === state) return undefined;
  const [before, after] = [activePaths(from), activePaths(state)];
  const left = new Set([...before].filter((path) => !after.has(path)));
  const entered = new Set([...after].filter((path) => !before.has(path)));
  return { from: left, to: entered };
}

/** The states that can be chosen of a machine. */
export function statesOf(chart: Chart | undefined): string[] {
  return (chart?.states ?? []).map(({ path }) => path).filter((path) => path !== "");
}
