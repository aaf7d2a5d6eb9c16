import { expect, test } from "vitest";
import type { Assignment, Assignments } from "../../src/bus/assignments.ts";
import { WaitTimeoutError } from "../../src/domain/errors.ts";
import type { Lane } from "../../src/domain/lane.ts";
import { giveWay } from "../../src/processes/give-way.ts";

const SILENT_LOG = { debug() {}, info() {}, warn() {}, error() {} };

function booksOf(...held: readonly (readonly [lane: Lane, sequence: number])[]) {
  const left = new Set(held.map(([lane, sequence]) => `${lane}-${sequence}`));
  const assignment = ([lane, sequence]: readonly [Lane, number]) =>
    ({
      task: { executionId: `${lane}-${sequence}`, attempt: 1, message: { lane, sequence } },
    }) as unknown as Assignment;
  const settle = (executionId: string) => void left.delete(executionId);
  return {
    left,
    assignments: { all: () => held.map(assignment), settle } as unknown as Assignments,
  };
}

test("what a peer has in its books leaves these, lane by lane; the rest stays", async () => {
  const { left, assignments } = booksOf(["high", 1], ["normal", 1], ["normal", 2]);
  const peers = async (lane: Lane) => (lane === "normal" ? [1, 7] : []);
  await giveWay({ assignments, peers, isClosed: () => false, log: SILENT_LOG });
  expect([...left]).toEqual(["high-1", "normal-2"]);
});

test("a peer that does not say what it holds is asked again", async () => {
  const { left, assignments } = booksOf(["low", 3]);
  let asked = 0;
  const peers = async () => {
    asked += 1;
    if (asked <= 3) throw new WaitTimeoutError("no reply");
    return [3];
  };
  await giveWay({ assignments, peers, isClosed: () => false, log: SILENT_LOG });
  expect(left.size).toBe(0);
});
