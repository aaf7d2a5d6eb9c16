import fc from "fast-check";
import { expect, test } from "vitest";
import {
  afterMishap,
  CONDUCT,
  type Conduct,
  quarantineAt,
  quarantineText,
} from "../../src/domain/conduct.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const death = { why: "unreachable: ping had no responders", isGrave: false };
const grave = { why: "quarantined: critical for 60.0 s", isGrave: true };

/** The conduct after mishaps at these milliseconds. */
function after(...ats: readonly number[]): Conduct {
  let conduct: Conduct | undefined;
  for (const at of ats) conduct = afterMishap(conduct, death, START + at);
  return conduct as Conduct;
}

const confinedFor = (conduct: Conduct, at: number) => {
  const quarantine = quarantineAt(conduct, START + at);
  return quarantine === undefined ? 0 : Date.parse(quarantine.until) - (START + at);
};

test("three deaths in a minute are borne, the fourth is followed by a quarantine of ten seconds", () => {
  expect(confinedFor(after(0, 1, 2), 2)).toBe(0);
  const conduct = after(0, 1, 2, 3);
  expect(confinedFor(conduct, 3)).toBe(10_000);
  expect(quarantineAt(conduct, START + 10_003)).toBeUndefined();
  expect(conduct.quarantine?.reason).toBe(
    "4 mishaps in 60 s, the last one: unreachable: ping had no responders",
  );
});

test("deaths that are more than a minute apart are forgotten", () => {
  expect(confinedFor(after(0, 1, 2, 60_002), 60_002)).toBe(0);
});

test("one who dies in quarantine stays twice as long, and two minutes at the most", () => {
  expect(confinedFor(after(0, 1, 2, 3, 4), 4)).toBe(20_000);
  expect(confinedFor(after(0, 1, 2, 3, 4, 5), 5)).toBe(40_000);
  expect(confinedFor(after(...Array.from({ length: 30 }, (_, at) => at)), 29)).toBe(120_000);
});

test("a grave mishap needs no repetition, and the next one keeps it away for longer", () => {
  const once = afterMishap(undefined, grave, START);
  expect(quarantineText(once.quarantine as never)).toBe(
    "quarantined until 2026-01-01T00:00:10.000Z: quarantined: critical for 60.0 s",
  );
  const again = afterMishap(once, grave, START + 100_000);
  expect(confinedFor(again, 100_000)).toBe(20_000);
});

test("after half an hour without a quarantine the next one is a first one again", () => {
  const once = afterMishap(undefined, grave, START);
  const later = 10_000 + CONDUCT.forgivenAfterMs + 1;
  expect(confinedFor(afterMishap(once, grave, START + later), later)).toBe(10_000);
});

test("whatever happens, little is remembered, and nobody is confined for more than two minutes", () => {
  const step = fc.record({ passMs: fc.integer({ min: 0, max: 100_000 }), isGrave: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let conduct: Conduct | undefined;
      let at = 0;
      for (const { passMs, isGrave } of steps) {
        at += passMs;
        conduct = afterMishap(conduct, { why: "it died", isGrave }, START + at);
        expect(conduct.mishaps.length).toBeLessThanOrEqual(CONDUCT.bearable);
        expect(confinedFor(conduct, at)).toBeLessThanOrEqual(CONDUCT.longestMs);
        if (isGrave) expect(confinedFor(conduct, at)).toBeGreaterThanOrEqual(CONDUCT.firstMs);
      }
    }),
  );
});
