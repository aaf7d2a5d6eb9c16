import { expect, test } from "vitest";
import { workerMachine } from "../../actors/index.ts";
import { chartOf } from "../../src/domain/chart.ts";
import { mermaidOf } from "../../src/domain/mermaid.ts";
import { actorsReadme } from "./readme.ts";

test("actors/README.md is drawn from the machines as they are", async () => {
  await expect(actorsReadme()).toMatchFileSnapshot("../../actors/README.md");
});

test("a drawing has every state and every way that leads elsewhere", () => {
  const chart = chartOf(workerMachine);
  const drawing = mermaidOf(chart);
  for (const { path } of chart.states.slice(1))
    expect(drawing).toContain(path.replaceAll(".", "_"));
  expect(drawing).toContain(
    "critical --> draining : [isRelapsing] / after quarantine [isIncurable]",
  );
});
