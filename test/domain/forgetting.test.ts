import { expect, test } from "vitest";
import { isForgettable } from "../../src/domain/forgetting.ts";

const HOUR = 3_600_000;
const now = Date.parse("2026-01-01T12:00:00.000Z");
const at = (changedAt: string, state = "offline") => isForgettable({ state, changedAt }, now, HOUR);

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
