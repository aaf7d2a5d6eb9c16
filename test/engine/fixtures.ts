import { z } from "zod";
import type { Problem } from "../../src/domain/errors.ts";
import { compileFlow } from "../../src/engine/compile-flow.ts";
import { defineNode, type NodeContext, type NodeType } from "../../src/engine/define-node.ts";
import { coreNodeTypeList, coreNodeTypes, nodeTypes } from "../../src/engine/node-types.ts";
import type { FlowPlan } from "../../src/engine/plan.ts";
import { runFlow } from "../../src/engine/run-flow.ts";
import type { FlowClock, FlowOutcome, FlowRun } from "../../src/engine/run-types.ts";

/** Time that stands still until a test moves it. */
export class HandClock implements FlowClock {
  #now = 1_700_000_000_000;
  #nextId = 1;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): number {
    const id = this.#nextId++;
    this.#timers.set(id, { at: this.#now + delayMs, callback });
    return id;
  }

  clearTimeout(id: unknown): void {
    this.#timers.delete(id as number);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, calling what falls due in order and letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (let next = this.#earliest(until); next !== undefined; next = this.#earliest(until)) {
      const [id, { at, callback }] = next;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      callback();
      await settled();
    }
    this.#now = until;
  }

  #earliest(until: number) {
    const due = [...this.#timers].filter(([, timer]) => timer.at <= until);
    return due.sort(([, a], [, b]) => a.at - b.at)[0];
  }
}

/** Resolves when every promise that can settle now has. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

export function memoryLog() {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  const log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { lines, log };
}

export function makeRun(run: Partial<FlowRun> = {}): FlowRun {
  return {
    executionId: "e-1",
    flowId: "f-1",
    lane: "normal",
    attempt: 1,
    signal: new AbortController().signal,
    maxConcurrentNodes: 10,
    clock: new HandClock(),
    log: memoryLog().log,
    random: () => 0.5,
    ...run,
  };
}

type NodeShape = { id: string; type: string; [field: string]: unknown };

/** flowData from nodes and connections written `"a.true -> b"`. */
export function flowData(
  nodes: readonly NodeShape[],
  connections: readonly string[] = [],
  more: object = {},
): Record<string, unknown> {
  return {
    name: "test",
    version: 1,
    nodes,
    connections: connections.map((text) => {
      const [from, to] = text.split(" -> ");
      return { from, to };
    }),
    ...more,
  };
}

/** The plan of a flow that must be good. */
export function planOf(data: unknown, own: readonly NodeType[] = []): FlowPlan {
  const catalog = own.length === 0 ? coreNodeTypes : nodeTypes([...coreNodeTypeList, ...own]);
  const result = compileFlow(data, catalog);
  if (!result.ok) throw new Error(`not a good flow: ${JSON.stringify(result.problems)}`);
  return result.plan;
}

export function problemsOf(data: unknown, own: readonly NodeType[] = []): readonly Problem[] {
  const catalog = own.length === 0 ? coreNodeTypes : nodeTypes([...coreNodeTypeList, ...own]);
  const result = compileFlow(data, catalog);
  return result.ok ? [] : result.problems;
}

/** `code pointer` of each problem, the form in which most tests compare. */
export function codesOf(data: unknown, own: readonly NodeType[] = []): string[] {
  return problemsOf(data, own).map(({ code, pointer }) => `${code} ${pointer}`);
}

export function runNow(
  data: unknown,
  run: Partial<FlowRun> = {},
  own: readonly NodeType[] = [],
): FlowOutcome | Promise<FlowOutcome> {
  return runFlow(planOf(data, own), makeRun(run));
}

/** The output of a flow that must complete. */
export async function outputOf(
  data: unknown,
  inputs: unknown = {},
  own: readonly NodeType[] = [],
): Promise<unknown> {
  const outcome = await runNow(data, { inputs }, own);
  if (outcome.status !== "completed") throw new Error(JSON.stringify(outcome));
  return outcome.output;
}

/** A flow of one `set` node. */
export function setFlow(value: unknown): Record<string, unknown> {
  return flowData([{ id: "a", type: "set", config: { value } }]);
}

/** A node type of the test's own. */
export function nodeOf(
  type: string,
  run: (context: NodeContext<unknown>) => unknown,
  more: Partial<Pick<NodeType, "timeoutMs">> & { effects?: "none" | "idempotent" | "unsafe" } = {},
): NodeType {
  return defineNode({ type, config: z.looseObject({}), effects: "none", run, ...more } as never);
}
