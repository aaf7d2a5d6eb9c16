import { Worker } from "node:worker_threads";
import type { ElkNode } from "elkjs/lib/elk-api.js";
import type { Chart } from "../domain/chart.ts";
import { graphOf } from "./drawing-graph.ts";
import { svgOf } from "./drawing-svg.ts";

/** A thread runs what is built. */
const THREAD_URL = import.meta.url.endsWith(".ts")
  ? new URL("../../dist/src/inspect/layout-thread.js", import.meta.url)
  : new URL("./layout-thread.js", import.meta.url);
const PATIENCE_MS = 20_000;

/**
 * A chart as an SVG that can stand alone or be part of a page; takes some 0.3 s.
 *
 * @throws Error when it cannot be laid out, or not in 20 s.
 */
export async function drawChart(chart: Chart): Promise<string> {
  const graph = graphOf(chart);
  return svgOf(chart, graph, await laidOut(graph.root));
}

function laidOut(root: ElkNode): Promise<ElkNode> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(THREAD_URL, { workerData: root });
    const late = setTimeout(() => {
      reject(new Error("the chart could not be laid out in time"));
      void thread.terminate();
    }, PATIENCE_MS);
    const settle = (act: () => void) => {
      clearTimeout(late);
      act();
      void thread.terminate();
    };
    thread.once("message", (node: ElkNode) => settle(() => resolve(node)));
    thread.once("error", (error) => settle(() => reject(error)));
  });
}
