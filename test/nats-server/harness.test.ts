import { describe, expect, inject, test } from "vitest";
import { WORKER_ID_PATTERN } from "../../src/domain/ids.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();
const seen = new Set<string>();

test("a test's prefix may stand in a subject, an id or a stream's name", ({ task }) => {
  const prefix = testPrefix(task);
  seen.add(prefix);
  expect(prefix).toMatch(new RegExp(WORKER_ID_PATTERN));
  expect(prefix.length).toBeLessThanOrEqual(10);
  expect(testPrefix(task)).toBe(prefix);
});

describe("another place", () => {
  test("a test's prefix may stand in a subject, an id or a stream's name", ({ task }) => {
    expect(seen).not.toContain(testPrefix(task));
  });
});

test("each project runs against the server of its line", () => {
  const isOld = inject("natsLine") === "2.9";
  expect(nats.atLeast("2.10.0")).toBe(!isOld);
});
