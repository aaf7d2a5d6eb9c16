import fc from "fast-check";
import { expect, test } from "vitest";
import type { Flow, JoinRule } from "../../src/domain/flow.ts";
import { inputOf } from "../../src/domain/flow-input.ts";
import { Driver, flowOf } from "./flow-fixtures.ts";

/** How each node behaves, whenever it runs. */
interface Plan {
  readonly flow: Flow;
  readonly outcomes: readonly ("out" | "true" | "fail" | "fail-once")[];
  readonly closedNodes: ReadonlySet<number>;
  readonly closedEdges: ReadonlySet<number>;
}

const plan = (joins: readonly JoinRule[], onError: "fail" | "continue"): fc.Arbitrary<Plan> =>
  fc.integer({ min: 1, max: 12 }).chain((size) => {
    const node = fc.record({
      join: fc.constantFrom(...joins),
      disabled: fc.boolean().map((flag) => flag && size > 3),
      onError: fc.constantFrom(undefined, undefined, "continue" as const),
      when: fc.constantFrom(undefined, undefined, "w"),
    });
    const edge = fc.record({
      from: fc.nat(size - 1),
      to: fc.nat(size - 1),
      port: fc.constantFrom("out", "out", "true", "error"),
      when: fc.constantFrom(undefined, undefined, undefined, "w"),
    });
    return fc
      .record({
        nodes: fc.array(node, { minLength: size, maxLength: size }),
        edges: fc.uniqueArray(edge, {
          maxLength: 30,
          selector: ({ from, to, port }) => `${Math.min(from, to)}.${port}>${Math.max(from, to)}`,
        }),
        outcomes: fc.array(fc.constantFrom("out", "out", "true", "fail", "fail-once" as const), {
          minLength: size,
          maxLength: size,
        }),
        closedNodes: fc.uniqueArray(fc.nat(size - 1)),
        closedEdges: fc.uniqueArray(fc.nat(30)),
      })
      .map(({ nodes, edges, outcomes, closedNodes, closedEdges }) => {
        const flow = flowOf(
          nodes.map(({ onError: rule, when, ...rest }, i) => ({
            id: `n${i}`,
            ...rest,
            ...(rule === undefined ? {} : { onError: rule }),
            ...(when === undefined ? {} : { when }),
            retry: { maxAttempts: 2 },
          })),
          edges
            .filter(({ from, to }) => from !== to)
            .map(
              ({ from, to, port }) => `n${Math.min(from, to)}.${port} -> n${Math.max(from, to)}`,
            ),
          { onError },
        );
        return {
          flow,
          outcomes: outcomes as Plan["outcomes"],
          closedNodes: new Set(closedNodes),
          closedEdges: new Set(closedEdges),
        };
      });
  });

/** Runs to the end, always going on with a node that `pick` chooses among those that can. */
function runToEnd(
  { flow, outcomes, closedNodes, closedEdges }: Plan,
  pick: () => number,
  slots = 4,
) {
  const run = new Driver(
    flow,
    {
      nodeWhen: (_, node) => !closedNodes.has(node),
      edgeWhen: (_, edge) => !closedEdges.has(edge),
    },
    slots,
  );
  run.start();
  for (let moves = 0; run.state.phase !== "ended"; moves++) {
    if (moves > 500) throw new Error("stuck");
    expect(run.state.running).toBeLessThanOrEqual(slots);
    const open = run.state.nodes.flatMap((status, node) =>
      status === "running" || status === "waiting" ? [node] : [],
    );
    if (open.length === 0) throw new Error("nothing runs and yet it has not ended");
    const node = open[pick() % open.length] as number;
    move(run, `n${node}`, outcomes[node] ?? "out", node);
  }
  return run;
}

function move(run: Driver, id: string, outcome: Plan["outcomes"][number], node: number): void {
  if (run.status(id) === "waiting") run.due(id);
  else if (outcome === "fail") run.fail(id);
  else if (outcome === "fail-once" && run.state.attempts[node] === 1) run.fail(id);
  else {
    const port = outcome === "true" ? "true" : "out";
    run.complete(id, { id, input: inputOf(run.state, node) }, port);
  }
}

function picker(choices: readonly number[]): () => number {
  let next = 0;
  return () => choices[next++ % choices.length] ?? 0;
}

const schedule = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 40 });

test("whatever completes first, every node sees the same and ends the same", () => {
  fc.assert(
    fc.property(
      plan(["settled", "all"], "continue"),
      schedule,
      schedule,
      fc.integer({ min: 1, max: 6 }),
      (given, one, other, slots) => {
        const a = runToEnd(given, picker(one));
        const b = runToEnd(given, picker(other), slots);
        expect(b.state.nodes).toEqual(a.state.nodes);
        expect(b.state.edges).toEqual(a.state.edges);
        expect(b.state.outputs).toEqual(a.state.outputs);
        expect(b.commands.at(-1)).toEqual(a.commands.at(-1));
      },
    ),
    { numRuns: 200 },
  );
});

test("every connection of a finished flow is delivered or pruned, and every node settled", () => {
  fc.assert(
    fc.property(plan(["settled", "all", "any"], "continue"), schedule, (given, choices) => {
      const { state } = runToEnd(given, picker(choices));
      expect(state.edges).not.toContain("pending");
      for (const status of state.nodes)
        expect(["completed", "failed", "skipped"]).toContain(status);
    }),
    { numRuns: 200 },
  );
});

test("a flow that fails under one order of completion fails under all, and never hangs", () => {
  fc.assert(
    fc.property(plan(["settled", "all"], "fail"), schedule, schedule, (given, one, other) => {
      const statusOf = (choices: readonly number[]) => {
        const end = runToEnd(given, picker(choices)).commands.at(-1);
        return end?.type === "end" ? end.status : "no end";
      };
      expect(statusOf(other)).toBe(statusOf(one));
    }),
    { numRuns: 200 },
  );
});

test("the same events give the same commands", () => {
  fc.assert(
    fc.property(plan(["settled", "all", "any"], "fail"), schedule, (given, choices) => {
      const first = runToEnd(given, picker(choices));
      const second = runToEnd(given, picker(choices));
      expect(second.commands).toEqual(first.commands);
    }),
  );
});

test("a node is started at most once per attempt and ends exactly one execution", () => {
  fc.assert(
    fc.property(plan(["settled", "all", "any"], "fail"), schedule, (given, choices) => {
      const { commands } = runToEnd(given, picker(choices));
      const starts = commands.flatMap((c) =>
        c.type === "start" ? [`${c.node}/${c.attempt}`] : [],
      );
      expect(new Set(starts).size).toBe(starts.length);
      expect(commands.filter((command) => command.type === "end")).toHaveLength(1);
    }),
  );
});
