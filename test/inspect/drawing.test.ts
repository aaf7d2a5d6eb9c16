import { beforeAll, expect, test } from "vitest";
import { createMachine } from "xstate";
import {
  autoscalerMachine,
  connectionMachine,
  executionMachine,
  leaseMachine,
  supervisorMachine,
  workerMachine,
} from "../../actors/index.ts";
import { type Chart, chartOf } from "../../src/domain/chart.ts";
import { drawChart } from "../../src/inspect/draw.ts";
import { graphOf } from "../../src/inspect/drawing-graph.ts";
import { textWidth } from "../../src/inspect/text-width.ts";

const MACHINES = [
  autoscalerMachine,
  connectionMachine,
  executionMachine,
  leaseMachine,
  supervisorMachine,
  workerMachine,
];

/** The empty one is the box for what can happen in any state. */
function attributes(svg: string, name: string): string[] {
  const all = [...svg.matchAll(new RegExp(` ${name}="([^"]*)"`, "g"))];
  return all.map(([, value = ""]) => value).filter((value) => value !== "");
}

let worker: { chart: Chart; svg: string };
beforeAll(async () => {
  const chart = chartOf(workerMachine);
  worker = { chart, svg: await drawChart(chart) };
});

test.each(MACHINES)(
  "every state of $id is drawn, and a place for how many are in it",
  async (machine) => {
    const chart = chartOf(machine);
    const svg = await drawChart(chart);
    const states = chart.states.map(({ path }) => path).filter((path) => path !== "");
    expect(new Set(attributes(svg, "data-state"))).toEqual(new Set(states));
    expect(new Set(attributes(svg, "data-count"))).toEqual(new Set(states));
  },
);

test("an arrow goes from the state that is left to the one that is entered, and says what for", () => {
  const { svg } = worker;
  expect(svg).toMatch(/data-from="healthy" data-to="critical"/);
  expect(svg).toMatch(/data-from="critical" data-to="degraded"/);
  expect(svg).toContain("isImproved");
  const ends = new Set([...attributes(svg, "data-from"), ...attributes(svg, "data-to")]);
  const paths = new Set(worker.chart.states.map(({ path }) => path));
  for (const end of ends) expect(paths.has(end), end).toBe(true);
});

test("nothing lies outside of the picture", () => {
  const [, width = "0", height = "0"] = /viewBox="0 0 (\d+) (\d+)"/.exec(worker.svg) ?? [];
  const places = [...worker.svg.matchAll(/<rect class="box" x="([\d.-]+)" y="([\d.-]+)"/g)];
  expect(places.length).toBeGreaterThan(5);
  for (const [, x, y] of places) {
    expect(Number(x)).toBeGreaterThanOrEqual(0);
    expect(Number(x)).toBeLessThan(Number(width));
    expect(Number(y)).toBeLessThan(Number(height));
  }
});

test("names that are markup, right-to-left or very long are text, and the picture stays one", async () => {
  const names = ['<script>alert("1")</script>', "‮evil", "x".repeat(2_000), "a & b"];
  const machine = createMachine({
    id: '"><img src=x onerror=alert(1)>',
    initial: names[0] as string,
    states: Object.fromEntries(
      names
        .map((name) => [name, { on: { "<b>go</b>": { target: "#end" } } }])
        .concat([["end", { id: "end" } as never]]),
    ),
  });
  const svg = await drawChart(chartOf(machine));
  expect(svg).not.toMatch(/<script|<img|<b>|onerror=alert\(1\)>"/);
  expect(svg.match(/<svg/g)).toHaveLength(1);
  expect(svg.length).toBeLessThan(60_000);
});

test("a machine without states is a picture as well", async () => {
  const svg = await drawChart(chartOf(createMachine({ id: "bare" })));
  expect(svg).toContain("The machine bare");
});

test("ways between the same two states are one arrow with a line for each", () => {
  const machine = createMachine({
    id: "two",
    initial: "a",
    states: { a: { on: { x: "b", y: "b" } }, b: { on: { z: "a" } } },
  });
  const { arrows } = graphOf(chartOf(machine));
  expect(arrows.map(({ from, to, edges }) => [from, to, edges.length])).toEqual([
    ["a", "b", 2],
    ["b", "a", 1],
  ]);
});

test("a wider text is taken for wider", () => {
  expect(textWidth("", 12)).toBe(0);
  expect(textWidth("iii", 12)).toBeLessThan(textWidth("mmm", 12));
  expect(textWidth("漢字", 12)).toBeGreaterThan(textWidth("ab", 12));
});
