import type { ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api.js";
import type { Chart, ChartEdge, ChartState } from "../domain/chart.ts";
import { textWidth } from "./text-width.ts";

/** Ways from one state to another, drawn as one arrow with a line of text for each. */
export interface Arrow {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly edges: readonly ChartEdge[];
}

/** What is laid out, and what of the chart its parts stand for. */
export interface DrawingGraph {
  readonly root: ElkNode;
  readonly arrows: readonly Arrow[];
  /** What happens in a state without leaving it, by its path; "" is any state. */
  readonly stays: ReadonlyMap<string, readonly string[]>;
}

export const TITLE_HEIGHT = 26;
export const LINE_HEIGHT = 15;
const FONT_PX = 12;
const SMALL_PX = 11;
const PADDING = 12;
/** Where the number of actors in the state goes. */
const COUNT_WIDTH = 34;
const MAX_STAY_LINES = 4;
const MAX_LABEL_LINES = 6;
const DOT = 12;

/** The box for what can happen in every state; the notation has no other way to draw it. */
export const ANYWHERE = "(any state)";

/** What a chart looks like, before anything has its place. */
export function graphOf(chart: Chart): DrawingGraph {
  const stays = staysOf(chart);
  const arrows = arrowsOf(chart);
  const root = chart.states[0];
  const below = root === undefined ? [] : nodesBelow(root, { chart, stays });
  const anywhere = isAnywhere(arrows, stays) ? [anywhereNode(stays)] : [];
  const paths = new Set(chart.states.map(({ path }) => path));
  const initials = chart.states.flatMap(({ path, initial }) =>
    initial === undefined || !paths.has(initial) ? [] : [initialEdge(path, initial)],
  );
  return {
    root: {
      id: "(chart)",
      layoutOptions: LAYOUT,
      children: [...below, ...anywhere],
      edges: [...initials, ...arrows.map(edgeOf)],
    },
    arrows,
    stays,
  };
}

const LAYOUT = {
  "elk.algorithm": "layered",
  "elk.direction": "DOWN",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.json.shapeCoords": "ROOT",
  "elk.json.edgeCoords": "ROOT",
  "elk.edgeLabels.inline": "false",
  "elk.spacing.nodeNode": "36",
  "elk.spacing.edgeNode": "18",
  "elk.spacing.edgeEdge": "12",
  "elk.spacing.edgeLabel": "4",
  "elk.layered.spacing.nodeNodeBetweenLayers": "34",
  "elk.layered.spacing.edgeNodeBetweenLayers": "16",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "10",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.cycleBreaking.strategy": "DEPTH_FIRST",
  "elk.padding": "[top=16,left=16,bottom=16,right=16]",
};

interface Around {
  readonly chart: Chart;
  readonly stays: ReadonlyMap<string, readonly string[]>;
}

function nodesBelow(parent: ChartState, around: Around): ElkNode[] {
  const states = around.chart.states.filter((state) => state.parent === parent.path);
  const dot = parent.initial === undefined ? [] : [initialNode(parent.path)];
  return [...dot, ...states.map((state) => nodeOf(state, around))];
}

function nodeOf(state: ChartState, around: Around): ElkNode {
  const stays = linesOf(around.stays.get(state.path) ?? [], MAX_STAY_LINES);
  const width = boxWidth(state.key, stays);
  const height = TITLE_HEIGHT + stays.length * LINE_HEIGHT + PADDING;
  const children = nodesBelow(state, around);
  if (children.length === 0) return { id: state.path, width, height };
  const top = TITLE_HEIGHT + stays.length * LINE_HEIGHT + 10;
  return {
    id: state.path,
    children,
    layoutOptions: {
      "elk.padding": `[top=${top},left=16,bottom=16,right=16]`,
      "elk.nodeSize.constraints": "MINIMUM_SIZE",
      "elk.nodeSize.minimum": `(${width},${height})`,
    },
  };
}

function anywhereNode(stays: DrawingGraph["stays"]): ElkNode {
  const lines = linesOf(stays.get("") ?? [], MAX_STAY_LINES);
  const height = TITLE_HEIGHT + lines.length * LINE_HEIGHT + PADDING;
  return { id: ANYWHERE, width: boxWidth("any state", lines), height };
}

function boxWidth(title: string, lines: readonly string[]): number {
  const widest = Math.max(...lines.map((line) => textWidth(line, SMALL_PX)), 0);
  return Math.max(textWidth(title, FONT_PX + 1) + COUNT_WIDTH, widest) + 2 * PADDING;
}

function initialNode(path: string): ElkNode {
  return { id: `(initial)${path}`, width: DOT, height: DOT };
}

function initialEdge(path: string, initial: string): ElkExtendedEdge {
  return { id: `(begin)${path}`, sources: [`(initial)${path}`], targets: [initial] };
}

function edgeOf({ id, from, to, edges }: Arrow): ElkExtendedEdge {
  const lines = labelLines(edges);
  const width = Math.max(...lines.map((line) => textWidth(line, SMALL_PX))) + 6;
  const label = { text: lines.join("\n"), width, height: lines.length * LINE_HEIGHT + 2 };
  return { id, sources: [from === "" ? ANYWHERE : from], targets: [to], labels: [label] };
}

/** What is written at an arrow. */
export function labelLines(edges: readonly ChartEdge[]): string[] {
  return linesOf(edges.map(labelOf), MAX_LABEL_LINES);
}

/** `event [guard]`, `after delay`. */
export function labelOf({ trigger, name, guard }: ChartEdge): string {
  const cause = trigger === "after" ? `after ${name}` : name;
  const condition = guard === undefined ? "" : `[${guard}]`;
  return [cause, condition].filter(Boolean).join(" ") || "otherwise";
}

/** Not more than so many of them; the last says how many are left out. */
function linesOf(lines: readonly string[], most: number): string[] {
  const short = lines.map((line) => (line.length > 60 ? `${line.slice(0, 59)}…` : line));
  if (short.length <= most) return short;
  return [...short.slice(0, most - 1), `and ${short.length - most + 1} more`];
}

function arrowsOf({ edges, states }: Chart): Arrow[] {
  const ways = new Map<string, Arrow>();
  // A stranger's machine may name a state that it does not have.
  const paths = new Set(states.map(({ path }) => path));
  for (const edge of edges) {
    const { from, to } = edge;
    if (to === undefined || to === from || to === "" || !paths.has(to)) continue;
    const id = `${from}>${to}`;
    const known = ways.get(id);
    ways.set(id, { id, from, to, edges: [...(known?.edges ?? []), edge] });
  }
  return [...ways.values()];
}

/** Names of what a state handles without leaving it; timers and judgements that re-enter it as well. */
function staysOf({ edges }: Chart): Map<string, readonly string[]> {
  const names = new Map<string, Set<string>>();
  for (const { from, to, trigger, name } of edges) {
    if (to !== undefined && to !== from) continue;
    const text = trigger === "after" ? `after ${name}` : name;
    if (text === "") continue;
    names.set(from, (names.get(from) ?? new Set()).add(text));
  }
  return new Map([...names].map(([path, set]) => [path, wrapped([...set])]));
}

/** Several short names on a line. */
function wrapped(names: readonly string[]): string[] {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + name.length < 34)
      lines.splice(-1, 1, `${last} · ${name}`);
    else lines.push(name);
  }
  return lines;
}

function isAnywhere(arrows: readonly Arrow[], stays: DrawingGraph["stays"]): boolean {
  return stays.has("") || arrows.some(({ from }) => from === "");
}
