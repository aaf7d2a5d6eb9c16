import { expect, test } from "vitest";
import { recordPlacement } from "../../../src/domain/recorded-placement.ts";
import type { Decision } from "../../../src/messages/decision.ts";
import { fitted } from "../../../src/processes/decisions/fit-decision.ts";
import { worker } from "../../domain/worker-candidate.ts";

const MEBIBYTE = 1_048_576;

function decision(changes: Partial<Decision>): Decision {
  return {
    decisionId: "01",
    kind: "scale",
    at: new Date(0).toISOString(),
    by: "o1",
    about: {},
    policyVersion: "1",
    inputs: {},
    candidates: [],
    choice: { action: "hold" },
    reasons: ["nothing to do"],
    ...changes,
  };
}

const read = (text: string) => JSON.parse(text) as Decision;

const candidates = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `w${index}`, score: -index, why: "full" }));

test("of a thousand candidates the best fifty are named and the rest are counted", () => {
  const kept = read(fitted(decision({ candidates: candidates(1_000) }), MEBIBYTE));
  expect(kept.candidates).toHaveLength(50);
  expect(kept.candidates[0]?.id).toBe("w0");
  expect(kept.candidatesLeftOut).toBe(950);
  expect(kept.truncated).toBeUndefined();
});

test("a placement among a thousand workers of thirty node types fits with all of its inputs", () => {
  const supports = new Set(Array.from({ length: 30 }, (_, index) => `some-node-type-${index}`));
  const workers = Array.from({ length: 1_000 }, (_, index) => worker(`w-${index}`, { supports }));
  const policy = { strategy: "weighted", capacityLimit: 0.8 } as const;
  const needs = { nodeTypes: ["some-node-type-1"] };
  const inputs = recordPlacement(workers, needs, policy, 0);
  const kept = read(fitted(decision({ kind: "assign", inputs }), MEBIBYTE - 1_024));
  expect(kept.truncated).toBeUndefined();
  expect((kept.inputs as typeof inputs).workers).toHaveLength(1_000);
});

test("what is too large loses its workers first, then its inputs, then its choice, and says so", () => {
  const workers = Array.from({ length: 1_000 }, (_, index) => ({ workerId: `w-${index}` }));
  const facts = { now: 1, meanLoad: 0.5, workers };
  const scale = fitted(decision({ inputs: { facts, policy: {} } }), 2_000);
  expect(read(scale)).toMatchObject({
    truncated: "workers",
    inputs: { facts: { now: 1, meanLoad: 0.5, workers: [] }, policy: {} },
    choice: { action: "hold" },
  });
  const text = "x".repeat(3_000);
  expect(read(fitted(decision({ inputs: { text } }), 2_000))).toMatchObject({
    truncated: "inputs",
    inputs: null,
    choice: { action: "hold" },
  });
  expect(read(fitted(decision({ inputs: { text }, choice: { text } }), 2_000))).toMatchObject({
    truncated: "choice",
    reasons: ["nothing to do"],
  });
  expect(read(fitted(decision({ reasons: [text] }), 2_000))).toMatchObject({
    truncated: "reasons",
    reasons: ["too large to be kept"],
  });
});

test("no form is larger than the server takes, counted in bytes and not in characters", () => {
  const text = "ß".repeat(1_500);
  const kept = fitted(decision({ inputs: { text } }), 2_000);
  expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(2_000);
  expect(read(kept).truncated).toBe("inputs");
});
