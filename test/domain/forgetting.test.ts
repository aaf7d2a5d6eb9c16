import { expect, test } from "vitest";
import { isForgettable } from "../../src/domain/forgetting.ts";

const HOUR = 3_600_000;
const now = Date.parse("2026-01-01T12:00:00.000Z");
const AGES = { goneMs: HOUR, ghostMs: 60_000 };
const at = (changedAt: string, state = "offline") => isForgettable({ state, changedAt }, now, AGES);

test("a worker is forgotten when it has been offline for longer than the age", () => {
  expect(at("2026-01-01T10:59:59.999Z")).toBe(true);
  expect(at("2026-01-01T11:00:00.000Z")).toBe(false);
  expect(at("2026-01-01T11:59:00.000Z")).toBe(false);
});

test("a worker that is not offline is never forgotten, nor one from the future or without a time", () => {
  for (const state of ["registering", "healthy", "degraded", "critical", "draining"])
    expect(at("2020-01-01T00:00:00.000Z", state)).toBe(false);
  expect(at("2027-01-01T00:00:00.000Z")).toBe(false);
  expect(at("yesterday")).toBe(false);
});

test("one that registered and was never healthy is forgotten after a minute, unless it was in quarantine", () => {
  const ghost = { state: "offline", changedAt: "2026-01-01T11:58:59.000Z", isProven: false };
  expect(isForgettable(ghost, now, AGES)).toBe(true);
  expect(isForgettable({ ...ghost, isProven: true }, now, AGES)).toBe(false);
  expect(isForgettable({ ...ghost, conduct: { spells: 1 } }, now, AGES)).toBe(false);
  expect(isForgettable({ ...ghost, conduct: { spells: 0 } }, now, AGES)).toBe(true);
});
