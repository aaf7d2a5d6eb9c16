import { expect, test } from "vitest";
import { AtMost } from "../../src/processes/at-most.ts";

test("no more than the limit run at once, all of them run in order, and a failure frees its place", async () => {
  const atMost = new AtMost(3);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const work = (each: number) => async () => {
    order.push(each);
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (each % 2 === 1) throw new Error("odd");
  };
  const all = Array.from({ length: 20 }, (_, each) => atMost.run(work(each)));
  const ended = await Promise.allSettled(all);
  expect(most).toBe(3);
  expect(order).toEqual(Array.from({ length: 20 }, (_, each) => each));
  expect(ended.filter(({ status }) => status === "rejected").length).toBe(10);
});
