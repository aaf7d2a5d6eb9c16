import { expect, test } from "vitest";
import { forEachItem } from "../../../src/engine/nodes/items.ts";

/** Takes longer than a turn. */
function takeLong(): void {
  const end = performance.now() + 11;
  while (performance.now() < end);
}

const list = [0, 1, 2, 3];
const never = new AbortController().signal;

test("a quick list is done at once", () => {
  const seen: unknown[] = [];
  expect(forEachItem(list, (item) => seen.push(item), { signal: never })).toBeUndefined();
  expect(seen).toEqual(list);
});

test("between two turns others get theirs, and nothing is left out or done twice", async () => {
  const seen: unknown[] = [];
  const visit = (item: unknown) => {
    seen.push(item);
    takeLong();
  };
  const done = forEachItem(list, visit, { signal: never });
  setImmediate(() => seen.push("another"));
  await done;
  expect(seen.filter((item) => item !== "another")).toEqual(list);
  expect(seen.at(-1)).not.toBe("another");
});

test("an aborted list is given up after the turn at hand", async () => {
  const controller = new AbortController();
  const seen: unknown[] = [];
  const visit = (item: unknown) => {
    seen.push(item);
    takeLong();
  };
  const done = forEachItem(list, visit, controller);
  controller.abort(new Error("enough"));
  await expect(done).rejects.toThrow("enough");
  expect(seen).toEqual([0]);
});
