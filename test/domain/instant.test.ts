import fc from "fast-check";
import { expect, test } from "vitest";
import { isoOf } from "../../src/domain/instant.ts";

test("an instant is written as Date writes it, the first time and again", () => {
  const epochMs = fc.integer({ min: 0, max: 4_102_444_800_000 });
  fc.assert(
    fc.property(fc.array(epochMs, { minLength: 1, maxLength: 20 }), (all) => {
      for (const each of [...all, ...all]) expect(isoOf(each)).toBe(new Date(each).toISOString());
    }),
  );
});
