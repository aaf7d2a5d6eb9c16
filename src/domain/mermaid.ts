import type { Chart, ChartEdge, ChartState } from "./chart.ts";

/** A box for what can happen in every state, which the notation has no way to draw. */
const ANYWHERE = "anywhere";

/** A chart as a mermaid stateDiagram. Transitions that stay in their state are left out. */
export function mermaidOf(chart: Chart): string {
  const root = chart.states[0] as ChartState;
  const arrows = merged(chart.edges.filter(({ from, to }) => to !== undefined && to !== from));
  const isAnywhere = arrows.some(({ from }) => from === "");
  return [
    "stateDiagram-v2",
    ...(isAnywhere ? [`  state "any state" as ${ANYWHERE}`] : []),
    ...inside(root, { chart, arrows }, "  "),
    "",
  ].join("\n");
}

interface Drawing {
  readonly chart: Chart;
  readonly arrows: readonly Arrow[];
}

/** What is in a state: the states below, and the arrows between them, which must not be drawn outside. */
function inside(state: ChartState, drawing: Drawing, indent: string): string[] {
  const below = drawing.chart.states.filter(({ parent }) => parent === state.path);
  const arrows = drawing.arrows.filter((arrow) => commonParent(arrow) === state.path);
  const separator = state.kind === "parallel" ? [`${indent}--`] : [];
  return [
    ...(state.initial === undefined ? [] : [`${indent}[*] --> ${idOf(state.initial)}`]),
    ...below.flatMap((child, i) => [...(i > 0 ? separator : []), ...draw(child, drawing, indent)]),
    ...arrows.map(({ from, to, label }) => `${indent}${idOf(from)} --> ${idOf(to)} : ${label}`),
    ...below
      .filter(({ kind }) => kind === "final")
      .map(({ path }) => `${indent}${idOf(path)} --> [*]`),
  ];
}

function draw(state: ChartState, drawing: Drawing, indent: string): string[] {
  const name = `${indent}state "${state.key}" as ${idOf(state.path)}`;
  if (state.kind === "atomic" || state.kind === "final") return [name];
  return [`${name} {`, ...inside(state, drawing, `${indent}  `), `${indent}}`];
}

function commonParent({ from, to }: Arrow): string {
  const steps = parentOf(from).split(".");
  const others = parentOf(to).split(".");
  const differs = steps.findIndex((step, i) => step !== others[i]);
  return steps.slice(0, differs < 0 ? steps.length : differs).join(".");
}

function parentOf(path: string): string {
  return path.split(".").slice(0, -1).join(".");
}

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

/** One arrow for all the ways between two states. */
function merged(edges: readonly ChartEdge[]): Arrow[] {
  const arrows = new Map<string, Arrow>();
  for (const edge of edges) {
    const key = `${edge.from}>${edge.to}`;
    const label = [arrows.get(key)?.label, labelOf(edge)].filter(Boolean).join(" / ");
    arrows.set(key, { from: edge.from, to: edge.to ?? "", label });
  }
  return [...arrows.values()];
}

/** Mermaid takes a colon or a semicolon for the end of a label. */
function labelOf({ trigger, name, guard }: ChartEdge): string {
  const cause = trigger === "after" ? `after ${name}` : name;
  const condition = guard === undefined ? "" : `[${guard}]`;
  return [cause, condition].filter(Boolean).join(" ") || "otherwise";
}

function idOf(path: string): string {
  return path === "" ? ANYWHERE : path.replaceAll(".", "_");
}
