import { expect, test } from "vitest";
import { seldom } from "../../src/processes/seldom.ts";

test("what happens often is said now and then, with how often it happened", () => {
  let now = 0;
  const said: [string, number][] = [];
  const say = seldom(
    1_000,
    () => now,
    (what: string, times) => void said.push([what, times]),
  );
  say("first");
  for (now = 1; now < 1_000; now += 100) say("between");
  now = 1_000;
  say("last");
  expect(said).toEqual([
    ["first", 1],
    ["last", 11],
  ]);
});
