import { expect, onTestFinished, test } from "vitest";
import { AskedDesire } from "../../src/processes/scaling/serve-keda.ts";

function setUp() {
  let answer: () => Promise<{ desiredWorkers: number }> = async () => ({ desiredWorkers: 2 });
  let asked = 0;
  const desire = new AskedDesire(() => {
    asked += 1;
    return answer();
  });
  onTestFinished(() => desire.stop());
  const heard: (number | undefined)[] = [];
  const stopListening = desire.onChange(() => heard.push(desire.desired()));
  const set = (next: () => Promise<{ desiredWorkers: number }>) => {
    answer = next;
  };
  return { desire, heard, set, stopListening, asked: () => asked };
}

test("nobody knows the number before the leader has told it, nor while none answers", async () => {
  const { desire, heard, set } = setUp();
  expect(desire.desired()).toBeUndefined();
  await desire.look();
  expect(desire.desired()).toBe(2);
  set(() => Promise.reject(new Error("no orchestrator leads")));
  await desire.look();
  expect(desire.desired()).toBeUndefined();
  expect(heard).toEqual([2, undefined]);
});

test("only a change is told, and to those who still listen", async () => {
  const { desire, heard, set, stopListening } = setUp();
  await desire.look();
  await desire.look();
  expect(heard).toEqual([2]);
  stopListening();
  set(async () => ({ desiredWorkers: 5 }));
  await desire.look();
  expect([desire.desired(), heard]).toEqual([5, [2]]);
});

test("an answer that comes after the end is not told", async () => {
  const { desire, heard, set } = setUp();
  let tell = (_: { desiredWorkers: number }) => {};
  set(() => new Promise((resolve) => (tell = resolve)));
  const looked = desire.look();
  desire.stop();
  tell({ desiredWorkers: 7 });
  await looked;
  expect([desire.desired(), heard]).toEqual([undefined, []]);
});
