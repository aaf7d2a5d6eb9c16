import type { ElkExtendedEdge, ElkNode, ElkPoint } from "elkjs/lib/elk-api.js";
import type { Chart, ChartState } from "../domain/chart.ts";
import {
  ANYWHERE,
  type Arrow,
  type DrawingGraph,
  LINE_HEIGHT,
  labelLines,
  labelOf,
  TITLE_HEIGHT,
} from "./drawing-graph.ts";

/** Colours as attributes: a page's stylesheet goes before them, and without one they stand. */
const INK = "#1c2430";
const FAINT = "#5a6676";
const LINE = "#8a97a8";
const BOX = "#ffffff";
const GROUP = "#f5f7fa";
const FONT = "ui-sans-serif, system-ui, sans-serif";

/**
 * A chart that has been laid out, as an SVG. Each state is a group with `data-state`, its path; each
 * arrow one with `data-from` and `data-to`, and in it a text with `data-edge` for each transition.
 * `data-count` is where the number of actors in a state goes.
 */
export function svgOf(chart: Chart, graph: DrawingGraph, laidOut: ElkNode): string {
  const { width = 0, height = 0 } = laidOut;
  const states = new Map(chart.states.map((state) => [state.path, state]));
  const arrows = new Map(graph.arrows.map((arrow) => [arrow.id, arrow]));
  const box = `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="${box}" width="${Math.ceil(width)}" height="${Math.ceil(height)}" font-family="${FONT}" font-size="12" role="img">`,
    `<title>The machine ${escaped(chart.id)}</title>`,
    `<desc>${escaped(describe(chart))}</desc>`,
    HEADS,
    ...(laidOut.children ?? []).map((node) => nodeSvg(node, states, graph)),
    ...edgesOf(laidOut).map((edge) => edgeSvg(edge, arrows.get(edge.id))),
    "</svg>",
  ].join("\n");
}

const HEADS = `<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path class="head" d="M0 0.5L8 4L0 7.5Z" fill="${LINE}"/></marker></defs>`;

function describe({ states }: Chart): string {
  const names = states.filter(({ path }) => path !== "").map(({ path }) => path);
  return `States: ${names.join(", ")}.`;
}

function nodeSvg(
  node: ElkNode,
  states: ReadonlyMap<string, ChartState>,
  graph: DrawingGraph,
): string {
  if (node.id.startsWith("(initial)")) return dotSvg(node);
  if (node.id === ANYWHERE) return anywhereSvg(node, graph);
  const state = states.get(node.id);
  if (state === undefined) return "";
  const children = (node.children ?? []).map((child) => nodeSvg(child, states, graph));
  const isGroup = children.length > 0;
  const isRegion = states.get(state.parent ?? "")?.kind === "parallel";
  return [
    `<g class="state ${state.kind}${isRegion ? " region" : ""}" data-state="${escaped(state.path)}">`,
    rect(node, isGroup ? GROUP : BOX, isRegion ? ' stroke-dasharray="5 4"' : ""),
    state.kind === "final" ? innerRect(node) : "",
    title(node, state.key),
    `<text class="count" data-count="${escaped(state.path)}" x="${right(node) - 10}" y="${top(node) + 18}" text-anchor="end" font-size="11" fill="${FAINT}"></text>`,
    stayLines(node, graph.stays.get(state.path) ?? []),
    ...children,
    "</g>",
  ]
    .filter((line) => line !== "")
    .join("\n");
}

function anywhereSvg(node: ElkNode, graph: DrawingGraph): string {
  return [
    '<g class="state anywhere" data-state="">',
    rect(node, BOX, ' stroke-dasharray="2 3"'),
    title(node, "any state"),
    stayLines(node, graph.stays.get("") ?? []),
    "</g>",
  ].join("\n");
}

function dotSvg(node: ElkNode): string {
  const { x = 0, y = 0, width = 0 } = node;
  const r = width / 2;
  return `<circle class="initial" cx="${n(x + r)}" cy="${n(y + r)}" r="${n(r - 1)}" fill="${INK}"/>`;
}

function rect(node: ElkNode, fill: string, more: string): string {
  const { x = 0, y = 0, width = 0, height = 0 } = node;
  return `<rect class="box" x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="8" fill="${fill}" stroke="${LINE}"${more}/>`;
}

function innerRect(node: ElkNode): string {
  const { x = 0, y = 0, width = 0, height = 0 } = node;
  return `<rect class="inner" x="${n(x + 3)}" y="${n(y + 3)}" width="${n(width - 6)}" height="${n(height - 6)}" rx="6" fill="none" stroke="${LINE}"/>`;
}

function title(node: ElkNode, text: string): string {
  return `<text class="name" x="${left(node) + 12}" y="${top(node) + 18}" font-size="13" font-weight="600" fill="${INK}">${escaped(text)}</text>`;
}

function stayLines(node: ElkNode, lines: readonly string[]): string {
  const most = Math.max(0, Math.min(lines.length, 4));
  const shown =
    lines.length > most
      ? [...lines.slice(0, most - 1), `and ${lines.length - most + 1} more`]
      : lines;
  return shown
    .map(
      (line, i) =>
        `<text class="stay" x="${left(node) + 12}" y="${top(node) + TITLE_HEIGHT + 7 + i * LINE_HEIGHT}" font-size="11" fill="${FAINT}">${escaped(line)}</text>`,
    )
    .join("\n");
}

function edgesOf(node: ElkNode): ElkExtendedEdge[] {
  return [...(node.edges ?? []), ...(node.children ?? []).flatMap(edgesOf)];
}

function edgeSvg(edge: ElkExtendedEdge, arrow: Arrow | undefined): string {
  const path = (edge.sections ?? [])
    .map(({ startPoint, bendPoints = [], endPoint }) =>
      rounded([startPoint, ...bendPoints, endPoint]),
    )
    .join("");
  const line = `<path class="line" d="${path}" fill="none" stroke="${LINE}" stroke-width="1.2" marker-end="url(#head)"/>`;
  if (arrow === undefined) return `<g class="begin">${line}</g>`;
  return [
    `<g class="edge" data-from="${escaped(arrow.from)}" data-to="${escaped(arrow.to)}">`,
    line,
    ...labelSvg(edge, arrow),
    "</g>",
  ].join("\n");
}

function labelSvg(edge: ElkExtendedEdge, arrow: Arrow): string[] {
  const { x = 0, y = 0 } = edge.labels?.[0] ?? {};
  const lines = labelLines(arrow.edges);
  return lines.map((line, i) => {
    const known = arrow.edges.find((each) => labelOf(each) === line);
    const id = known === undefined ? "" : `${known.trigger}|${known.name}|${known.guard ?? ""}`;
    const at = `x="${n(x + 3)}" y="${n(y + 12 + i * LINE_HEIGHT)}"`;
    return `<text class="label" data-edge="${escaped(id)}" ${at} font-size="11" fill="${FAINT}">${escaped(line)}</text>`;
  });
}

const CORNER = 6;

/** A line with its corners cut round. */
function rounded(points: readonly ElkPoint[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  let path = `M${n(first.x)} ${n(first.y)}`;
  for (const [i, point] of rest.entries()) {
    const before = points[i] as ElkPoint;
    const after = rest[i + 1];
    if (after === undefined) path += `L${n(point.x)} ${n(point.y)}`;
    else {
      const a = towards(point, before);
      const b = towards(point, after);
      path += `L${n(a.x)} ${n(a.y)}Q${n(point.x)} ${n(point.y)} ${n(b.x)} ${n(b.y)}`;
    }
  }
  return path;
}

function towards(from: ElkPoint, to: ElkPoint): ElkPoint {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const step = Math.min(CORNER, length / 2);
  return { x: from.x + (dx / length) * step, y: from.y + (dy / length) * step };
}

function left({ x = 0 }: ElkNode): number {
  return Math.round(x);
}

function right({ x = 0, width = 0 }: ElkNode): number {
  return Math.round(x + width);
}

function top({ y = 0 }: ElkNode): number {
  return Math.round(y);
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** For text and attributes. Characters that XML does not know at all are shown as such. */
function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
}
