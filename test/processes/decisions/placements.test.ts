import { expect, test } from "vitest";
import type { Task } from "../../../src/bus/assignments.ts";
import type { DecisionDraft } from "../../../src/messages/decision.ts";
import { Placements } from "../../../src/processes/decisions/placements.ts";
import { worker } from "../../domain/worker-candidate.ts";

const BALANCING = { strategy: "least_busy", capacityLimit: 0.8 } as const;

function recording(sampleShare: number, random = () => 0.5) {
  const drafts: DecisionDraft[] = [];
  const clock = { now: 0 };
  const placements = new Placements({
    decisions: { record: (draft) => void drafts.push(draft) },
    balancing: BALANCING,
    sampleShare,
    random,
    now: () => clock.now,
  });
  return { drafts, clock, placements };
}

function looked(executionId: string, headers: readonly (readonly [string, string])[] = []) {
  const message = { lane: "normal", headers } as unknown as Task["message"];
  const task = { executionId, nodeTypes: ["noop"], message } as unknown as Task;
  const placement = { type: "assign", workerId: "w1", reason: "why" } as const;
  return { task, workers: [worker("w1")], cursor: 0, placement };
}

const ids = (drafts: readonly DecisionDraft[]) => drafts.map(({ about }) => about.executionId);

test("without sampling only what asks is taken down, however the header is written", () => {
  const { drafts, placements } = recording(0, () => {
    throw new Error("chance was asked for nothing");
  });
  placements.assigned(looked("plain"));
  placements.assigned(looked("traced", [["traceparent", "1"]]));
  placements.assigned(looked("no", [["Batuta-Explain", "0"]]));
  placements.assigned(looked("asks", [["batuta-explain", "1"]]));
  expect(ids(drafts)).toEqual(["asks"]);
});

test("the share that is set is taken down", () => {
  let turn = 0;
  const { drafts, placements } = recording(0.25, () => (turn++ % 4) / 4);
  for (let index = 0; index < 100; index += 1) placements.assigned(looked(String(index)));
  expect(drafts).toHaveLength(25);
});

test("a task that nobody can run is told of once a second, with the delay until the next look", () => {
  const { drafts, clock, placements } = recording(0);
  const reason = 'no live worker supports "noop"';
  const task = { ...looked("x"), placement: { type: "unplaceable", reason } as const };
  for (; clock.now < 3_000; clock.now += 100) placements.unplaceable(task, 500);
  expect(drafts).toHaveLength(3);
  expect(drafts[0]).toMatchObject({
    kind: "unplaceable",
    inputs: { delayMs: 500, needs: { nodeTypes: ["noop"] } },
    reasons: [reason, "looked at again after 500 ms"],
  });
});
