import { expect, test } from "vitest";
import { describeSilence, judgeSilence } from "../../src/domain/silence.ts";

test.each([
  { silentMs: 0, standing: "answers" },
  { silentMs: 1_499, standing: "answers" },
  { silentMs: 1_500, standing: "doubtful" },
  { silentMs: 9_999, standing: "doubtful" },
  { silentMs: 10_000, standing: "lost" },
])("a bus that was silent for $silentMs ms: $standing", ({ silentMs, standing }) => {
  expect(judgeSilence(silentMs)).toBe(standing);
});

test("a silence is told in seconds", () => {
  expect(describeSilence(2_500)).toBe("the bus has not answered for 2.5 s");
});
