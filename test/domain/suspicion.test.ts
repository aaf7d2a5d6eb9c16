import { expect, test } from "vitest";
import { suspicionDoubt } from "../../src/domain/suspicion.ts";

function fleet(suspects: number, others: number) {
  return [
    ...Array.from({ length: suspects }, () => ({ suspect: true })),
    ...Array.from({ length: others }, () => ({ suspect: false })),
  ];
}

test.each([
  { suspects: 2, others: 1, doubts: true },
  { suspects: 3, others: 4, doubts: true },
  { suspects: 20, others: 0, doubts: true },
  { suspects: 1, others: 2, doubts: false },
  { suspects: 2, others: 3, doubts: false },
  { suspects: 2, others: 0, doubts: false },
  { suspects: 0, others: 9, doubts: false },
])(
  "with $suspects suspects and $others others the supervisor doubts itself: $doubts",
  ({ suspects, others, doubts }) => {
    expect(suspicionDoubt(fleet(suspects, others)) !== undefined).toBe(doubts);
  },
);

test("the reason names how many of how many", () => {
  expect(suspicionDoubt(fleet(2, 1))).toBe("2 of 3 workers are suspect at once");
});
