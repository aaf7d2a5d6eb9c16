import { expect, test } from "vitest";
import { RecentIds } from "../../src/processes/recent-ids.ts";

test("the last ids are remembered and memory is bounded", () => {
  const ids = new RecentIds(10);
  for (let count = 1; count <= 100; count += 1) {
    ids.add(`id-${count}`);
    for (let back = 0; back < Math.min(count, 10); back += 1)
      expect(ids.has(`id-${count - back}`)).toBe(true);
    expect(ids.has(`id-${count - 20}`)).toBe(false);
  }
});
