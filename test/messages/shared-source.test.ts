import { expect, test, vi } from "vitest";
import type { InspectionListener, InspectionSource } from "../../src/messages/inspection.ts";
import { sharedSource } from "../../src/messages/shared-source.ts";
import { FakeSource, recordOf } from "../support/fake-source.ts";

function recorder() {
  const seen: string[] = [];
  const listener: InspectionListener = {
    record: ({ address, state }) => seen.push(`${address} ${state}`),
    machine: ({ id }) => seen.push(id),
    node: ({ node }) => seen.push(node),
    nodeGone: (node) => seen.push(`${node} gone`),
    gone: (node, address) => seen.push(`${node} ${address} gone`),
  };
  return { seen, listener };
}

test("many who watch ask once, and who comes later is told what is known", async () => {
  const source = new FakeSource([recordOf()]);
  const shared = sharedSource(source);
  const [first, second] = [recorder(), recorder()];
  const one = await shared.watch(first.listener);
  source.tell(recordOf({ state: "critical", seq: 3, at: "2026-01-01T00:00:02.000Z" }));
  const two = await shared.watch(second.listener);
  expect(source.asked).toBe(1);
  expect(second.seen).toEqual(["o-1", "worker/w-1 critical"]);
  one.stop();
  source.nodeGone("o-1");
  expect(first.seen).not.toContain("o-1 gone");
  expect(second.seen).toContain("o-1 gone");
  two.stop();
  two.stop();
  await Promise.resolve();
  expect(source.watchers).toBe(0);
  await shared.watch(first.listener);
  expect(source.asked).toBe(2);
});

test("what any of those who share it follows is followed", async () => {
  const source = new FakeSource([recordOf()]);
  const shared = sharedSource(source);
  const one = await shared.watch(recorder().listener, ["worker/w-1"]);
  const two = await shared.watch(recorder().listener, ["worker/w-2"]);
  const three = await shared.watch(recorder().listener);
  three.stop();
  two.follow([]);
  one.stop();
  two.stop();
  one.follow(["worker/w-9"]);
  await vi.waitFor(() => expect(source.watchers).toBe(0), 8_000);
  expect(source.followed).toEqual([
    ["worker/w-1"],
    ["worker/w-1", "worker/w-2"],
    "all",
    ["worker/w-1", "worker/w-2"],
    ["worker/w-1"],
    [],
  ]);
});

test("a source that cannot be watched is asked anew by the next one", async () => {
  let asked = 0;
  const broken: InspectionSource = {
    watch: () => {
      asked += 1;
      return Promise.reject(new Error("no bus"));
    },
  };
  const shared = sharedSource(broken);
  await expect(shared.watch(recorder().listener)).rejects.toThrow("no bus");
  await expect(shared.watch(recorder().listener)).rejects.toThrow("no bus");
  expect(asked).toBe(2);
});
