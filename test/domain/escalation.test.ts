import { expect, test } from "vitest";
import { escalationOf, recentDeaths } from "../../src/domain/escalation.ts";

const deaths = (count: number) => Array.from({ length: count }, (_, at) => at);

test.each([
  { died: 2, left: 0, escalates: false },
  { died: 3, left: 6, escalates: true },
  { died: 3, left: 7, escalates: false },
  { died: 10, left: 1_000, escalates: false },
  { died: 11, left: 1_000, escalates: true },
])("$died deaths with $left workers left are an escalation: $escalates", (row) => {
  expect(escalationOf(deaths(row.died), row.left, 1_000) !== undefined).toBe(row.escalates);
});

test("it says how many died, and deaths of more than five minutes ago do not count", () => {
  expect(escalationOf(deaths(11), 4, 1_000)).toBe("11 workers died in 5 minutes, 4 are left");
  expect(escalationOf(deaths(11), 4, 300_011)).toBeUndefined();
  expect(recentDeaths([0, 10], 300_005)).toEqual([10]);
});
