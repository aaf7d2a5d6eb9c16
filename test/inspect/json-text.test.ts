import fc from "fast-check";
import { expect, test } from "vitest";
import { isoText, numberText, quoted } from "../../src/inspect/json-text.ts";

test("numbers are written as JSON has them, and those that it has not are quoted", () => {
  const instant = fc.integer({ min: 0, max: 8_640_000_000_000_000 });
  const number = fc.oneof(fc.double(), fc.maxSafeInteger(), fc.integer(), instant);
  fc.assert(
    fc.property(fc.array(number, { minLength: 1 }), (numbers) => {
      for (const each of numbers)
        expect(numberText(each)).toBe(
          Number.isFinite(each) ? JSON.stringify(each) : JSON.stringify(String(each)),
        );
    }),
  );
});

test("instants are written as everybody writes them, in whatever order they come", () => {
  const instant = fc.double({ min: 0, max: 4e12, noNaN: true });
  fc.assert(
    fc.property(fc.array(instant, { minLength: 1 }), (instants) => {
      for (const at of instants)
        expect(isoText(at)).toBe(JSON.stringify(new Date(at).toISOString()));
    }),
  );
});

test("texts are written as JSON has them", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(quoted(text)).toBe(JSON.stringify(text));
    }),
  );
});
