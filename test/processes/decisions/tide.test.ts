import { expect, test } from "vitest";
import type { LaneDepth } from "../../../src/bus/lane-stats.ts";
import type { WorkerCandidate } from "../../../src/domain/balancing.ts";
import { LANES, type Lane } from "../../../src/domain/lane.ts";
import { replayDecision } from "../../../src/domain/replay-decision.ts";
import type { DecisionDraft } from "../../../src/messages/decision.ts";
import { Tide } from "../../../src/processes/decisions/tide.ts";
import { worker } from "../../domain/worker-candidate.ts";

/** A leader that looks once a second at lanes and workers that the test sets. */
class Lookout {
  readonly drafts: DecisionDraft[] = [];
  now = 0;
  workers: readonly WorkerCandidate[];
  readonly #tide = new Tide({
    decisions: { record: (draft) => void this.drafts.push(draft) },
    balancing: { strategy: "least_busy", capacityLimit: 0.8 },
    candidates: () => this.workers,
    now: () => this.now,
  });

  constructor(workers: readonly WorkerCandidate[]) {
    this.workers = workers;
  }

  look(pending: Partial<Record<Lane, number>>, seconds = 1): void {
    for (let second = 0; second < seconds; second += 1) {
      this.#tide.looked(
        LANES.map(
          (lane): LaneDepth => ({
            lane,
            pending: pending[lane] ?? 0,
            inFlight: 0,
            deliveredSequence: 0,
          }),
        ),
      );
      this.now += 1_000;
    }
  }
}

const begins = ({ drafts }: Lookout) =>
  drafts.filter(({ inputs }) => (inputs as { waits: boolean }).waits);

const FULL = worker("w1", { slots: 1, inFlight: 1 });
const FREE = worker("w1", { slots: 1 });

test("a lane that begins to wait is taken down with who was full, and only that lane", () => {
  const lookout = new Lookout([FULL]);
  lookout.look({ normal: 3 });
  expect(lookout.drafts).toMatchObject([
    {
      kind: "assign",
      about: { lane: "normal" },
      choice: { type: "wait" },
      candidates: [{ id: "w1", why: "full: 1 in 1 slots, 1 may be used" }],
      reasons: ["3 wait in the lane normal", "all 1 workers that could take it are full"],
    },
  ]);
  const [draft] = lookout.drafts;
  expect(replayDecision(JSON.parse(JSON.stringify(draft))).type).toBe("same");
});

test("messages that pass by while somebody has room are no wait", () => {
  const lookout = new Lookout([FREE]);
  lookout.look({ normal: 3, high: 1 }, 10);
  expect(lookout.drafts).toEqual([]);
});

test("a long wait is taken down twice a minute, and one that comes and goes every 5 s", () => {
  const lookout = new Lookout([FULL]);
  lookout.look({ low: 1 }, 60);
  expect(begins(lookout)).toHaveLength(2);
  for (let turn = 0; turn < 15; turn += 1) {
    lookout.look({});
    lookout.look({ low: 1 });
  }
  expect(begins(lookout).length).toBeGreaterThan(5);
  expect(begins(lookout).length).toBeLessThanOrEqual(2 + 30 / 5 + 1);
});

test("that a lane waits no more is taken down once, and only after it was taken down that it waits", () => {
  const lookout = new Lookout([FULL]);
  lookout.look({}, 5);
  lookout.look({ low: 1 }, 2);
  lookout.workers = [FREE];
  lookout.look({ low: 1 }, 5);
  lookout.look({}, 5);
  expect(lookout.drafts.map(({ reasons }) => reasons[0])).toEqual([
    "1 wait in the lane low",
    "the lane low waits no more",
  ]);
  const records = lookout.drafts.map((draft) => replayDecision(JSON.parse(JSON.stringify(draft))));
  expect(records.map(({ type }) => type)).toEqual(["same", "same"]);
});

test("a lane that waits without any worker says so", () => {
  const lookout = new Lookout([]);
  lookout.look({ high: 1 });
  expect(lookout.drafts[0]?.reasons).toEqual(["1 wait in the lane high", "no worker is available"]);
});
