import type { Chart } from "../../src/domain/chart.ts";
import type { ActorRecord } from "../../src/messages/inspection.ts";
import type { ActorSummary } from "../../src/messages/inspection-live.ts";

/** Each state that is active, and those around it: "a.b c" is a, a.b and c. Names may hold spaces and dots themselves. */
export function activePaths(state: string, chart?: Chart): ReadonlySet<string> {
  const memo = memoOf(chart);
  const known = memo.get(state);
  if (known !== undefined) return known;
  const leaves = chart === undefined ? state.split(" ") : leavesIn(state, chart);
  const paths = new Set(leaves.flatMap((leaf) => around(leaf, chart)));
  if (memo.size < MAX_MEMO) memo.set(state, paths);
  return paths;
}

type Memo = Map<string, ReadonlySet<string>>;
const MAX_MEMO = 1_000;
const memos = new WeakMap<Chart, Memo>();
const plain: Memo = new Map();

/** Asked for each actor at each change, and there are few states. */
function memoOf(chart: Chart | undefined): Memo {
  if (chart === undefined) return plain;
  const known = memos.get(chart) ?? new Map();
  memos.set(chart, known);
  return known;
}

/** The states of the chart that the line is made of, the longest that fits first. */
function leavesIn(state: string, chart: Chart): string[] {
  const paths = statesOf(chart).sort((a, b) => b.length - a.length);
  const leaves: string[] = [];
  for (let at = 0; at < state.length; ) {
    const leaf = paths.find((path) => state.startsWith(path, at) && isEnd(state, at + path.length));
    if (leaf !== undefined) leaves.push(leaf);
    const end = leaf === undefined ? state.indexOf(" ", at) : at + leaf.length;
    at = end < 0 ? state.length : end + 1;
  }
  return leaves;
}

function isEnd(state: string, at: number): boolean {
  return at === state.length || state[at] === " ";
}

function around(leaf: string, chart: Chart | undefined): string[] {
  if (chart === undefined) {
    const steps = leaf.split(".");
    return steps.map((_, i) => steps.slice(0, i + 1).join("."));
  }
  const paths: string[] = [];
  for (let path: string | undefined = leaf; path; path = parentIn(chart, path)) paths.push(path);
  return paths;
}

function parentIn(chart: Chart, path: string): string | undefined {
  return chart.states.find((state) => state.path === path)?.parent;
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
export function population(
  actors: Iterable<ActorSummary>,
  chart: Chart | undefined,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { state } of actors)
    for (const path of activePaths(state, chart)) counts.set(path, (counts.get(path) ?? 0) + 1);
  return counts;
}

/** The event as the chart names it: `xstate.after.silence.healthy` is `silence`. */
export function eventName(type: string): string {
  return /^xstate\.after\.([^.]+)\./.exec(type)?.[1] ?? type;
}

/** From which states to which an actor went, and the type of the event that it went for. */
export interface Move {
  readonly event: string;
  readonly from: ReadonlySet<string>;
  readonly to: ReadonlySet<string>;
}

/** How the actor came to where it is: what it handled since without leaving its state is passed over. */
export function lastMove(
  records: readonly ActorRecord[],
  chart: Chart | undefined,
): Move | undefined {
  const record = records.findLast(({ from, state }) => from !== undefined && from !== state);
  if (record?.from === undefined) return undefined;
  const [before, after] = [activePaths(record.from, chart), activePaths(record.state, chart)];
  return {
    event: record.event?.type ?? "",
    from: new Set([...before].filter((path) => !after.has(path))),
    to: new Set([...after].filter((path) => !before.has(path))),
  };
}

/** The states that can be chosen of a machine. */
export function statesOf(chart: Chart | undefined): string[] {
  return (chart?.states ?? []).map(({ path }) => path).filter((path) => path !== "");
}
