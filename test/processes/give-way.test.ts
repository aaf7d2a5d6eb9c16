import { expect, test } from "vitest";
import type { Assignments } from "../../src/bus/assignments.ts";
import { WaitTimeoutError } from "../../src/domain/errors.ts";
import type { Lane } from "../../src/domain/lane.ts";
import { giveWay } from "../../src/processes/give-way.ts";

const SILENT_LOG = { debug() {}, info() {}, warn() {}, error() {} };

/** Books of tasks of w1, each told by its lane and sequence. */
function booksOf(...held: readonly (readonly [lane: Lane, sequence: number])[]) {
  const left = new Set(held.map(([lane, sequence]) => `${lane}-${sequence}`));
  const assignment = ([lane, sequence]: readonly [Lane, number]) => ({
    task: { executionId: `${lane}-${sequence}`, attempt: 1, message: { lane, sequence } },
    workerId: "w1",
  });
  const all = () => held.map(assignment).filter(({ task }) => left.has(task.executionId));
  const settle = (executionId: string) => left.delete(executionId);
  return { left, assignments: { all, settle } as unknown as Assignments };
}

const OPEN = { isClosed: () => false, log: SILENT_LOG };
const silent = async () => undefined;
const none = async () => [];

test("what a peer has in its books leaves these, lane by lane; the rest stays", async () => {
  const { left, assignments } = booksOf(["high", 1], ["normal", 1], ["normal", 2]);
  const peers = async (lane: Lane) => (lane === "normal" ? [1, 7] : []);
  await giveWay({ assignments, peers, heldBy: silent, ...OPEN });
  expect([...left]).toEqual(["high-1", "normal-2"]);
});

test("what its worker no longer holds leaves the books: it ended elsewhere, or nobody has it", async () => {
  const { left, assignments } = booksOf(["normal", 1], ["normal", 2]);
  await giveWay({ assignments, peers: none, heldBy: async () => [2], ...OPEN });
  expect([...left]).toEqual(["normal-2"]);
});

test("of a worker that does not say what it holds everything stays", async () => {
  const { left, assignments } = booksOf(["normal", 1]);
  await giveWay({ assignments, peers: none, heldBy: silent, ...OPEN });
  expect([...left]).toEqual(["normal-1"]);
});

test("a peer that does not say what it holds is asked again", async () => {
  const { left, assignments } = booksOf(["low", 3]);
  let asked = 0;
  const peers = async () => {
    asked += 1;
    if (asked === 1) throw new WaitTimeoutError("no reply");
    return [3];
  };
  await giveWay({ assignments, peers, heldBy: silent, ...OPEN });
  expect(left.size).toBe(0);
});
