import fc from "fast-check";
import { expect, test } from "vitest";
import { NodeError } from "../../src/domain/errors.ts";
import { flowData, HandClock, nodeOf, runNow } from "./fixtures.ts";

interface Shape {
  readonly size: number;
  readonly edges: readonly (readonly [number, number, string])[];
  readonly fails: readonly boolean[];
  readonly joins: readonly string[];
}

const shape: fc.Arbitrary<Shape> = fc.integer({ min: 1, max: 10 }).chain((size) => {
  const edge = fc.tuple(fc.nat(size - 1), fc.nat(size - 1), fc.constantFrom("out", "out", "error"));
  const perNode = <T>(value: fc.Arbitrary<T>) =>
    fc.array(value, { minLength: size, maxLength: size });
  return fc.record({
    size: fc.constant(size),
    edges: fc.array(edge, { maxLength: 25 }),
    fails: perNode(fc.boolean()),
    joins: perNode(fc.constantFrom("settled", "all")),
  });
});

/** A node that answers with what it saw, after a time of its own; 0 means at once. */
const worker = nodeOf("worker", ({ config, input, nodeId, sleep }) => {
  const { fails, ms } = config as { fails: boolean; ms: number };
  const answer = () => {
    if (fails) throw new NodeError("BOOM", nodeId);
    return { nodeId, input };
  };
  return ms === 0 ? answer() : sleep(ms).then(answer);
});

function dataOf({ size, edges, fails, joins }: Shape, delays: readonly number[]) {
  const nodes = Array.from({ length: size }, (_, i) => ({
    id: `n${i}`,
    type: "worker",
    join: joins[i],
    config: { fails: fails[i], ms: delays[i % delays.length] },
  }));
  const texts = edges
    .filter(([a, b]) => a !== b)
    .map(([a, b, port]) => `n${Math.min(a, b)}.${port} -> n${Math.max(a, b)}`);
  return flowData(nodes, [...new Set(texts)], { settings: { onError: "continue" } });
}

async function outcomeOf(given: Shape, delays: readonly number[], maxConcurrentNodes: number) {
  const clock = new HandClock();
  const run = { clock, maxConcurrentNodes, inputs: { start: true } };
  const outcome = runNow(dataOf(given, delays), run, [worker]);
  await clock.advance(1_000);
  expect(clock.pending).toBe(0);
  const ended = await outcome;
  if (ended.status !== "completed") throw new Error(JSON.stringify(ended));
  const errors = ended.errors.map((error) => error.nodeId).sort();
  return { output: ended.output, nodesRun: ended.nodesRun, errors };
}

test("how long nodes take and how many run at once never changes what a flow gives", async () => {
  const delays = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 10 });
  const slots = fc.integer({ min: 1, max: 10 });
  await fc.assert(
    fc.asyncProperty(shape, delays, delays, slots, async (given, one, other, maxConcurrent) => {
      const synchronous = await outcomeOf(given, [0], 10);
      expect(await outcomeOf(given, one, maxConcurrent)).toEqual(synchronous);
      expect(await outcomeOf(given, other, 10)).toEqual(synchronous);
    }),
    { numRuns: 60 },
  );
});
