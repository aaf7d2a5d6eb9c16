import { describe, expect, test } from "vitest";
import { ActorTable, bestFirst, leaderOf } from "../../src/messages/actor-table.ts";
import { actorView, isCursor, noSuchActor, pageOf } from "../../src/messages/actor-view.ts";
import type { ActorRecord } from "../../src/messages/inspection.ts";
import { isNewer } from "../../src/messages/newer.ts";
import { nodeOf, recordOf } from "../support/fake-source.ts";

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;

function tableOf(...records: readonly ActorRecord[]): ActorTable {
  const table = new ActorTable();
  for (const record of records) {
    table.node(nodeOf(record.node));
    table.record(record);
  }
  return table;
}

const leading = (node: string, second = 0) =>
  recordOf({
    node,
    address: "supervisor",
    machineId: "supervisor",
    tags: ["leader"],
    at: at(second),
  });

describe("of two records the newer counts", () => {
  const known = recordOf({ at: at(10), seq: 5 });

  test.each([
    ["a later one", { at: at(11), seq: 6 }, true],
    ["an earlier one from the bucket", { at: at(9), seq: 0 }, false],
    ["the same again", { at: at(10), seq: 5 }, false],
    ["the next of the same moment", { at: at(10), seq: 6 }, true],
    ["the bucket's copy of the same moment", { at: at(10), seq: 0 }, false],
    ["the next of the same life, after the clock was set back", { at: at(3), seq: 6 }, true],
    ["a late one of an earlier life", { at: at(3), seq: 900, incarnation: "00Z" }, false],
    ["the first of the next life", { at: at(12), seq: 1, incarnation: "01B" }, true],
  ])("%s", (_, changes, isTaken) => {
    expect(isNewer(recordOf(changes), known)).toBe(isTaken);
  });

  test("a live one that was overtaken by the bucket's is dropped", () => {
    expect(isNewer(recordOf({ at: at(9), seq: 7 }), recordOf({ at: at(10), seq: 0 }))).toBe(false);
  });
});

describe("the table", () => {
  test("does not believe what a process left behind that does not answer", () => {
    const table = new ActorTable();
    table.record(recordOf());
    expect(table.actors()).toEqual([]);
    table.node(nodeOf("o-1"));
    expect(table.actors()).toHaveLength(1);
    table.nodeGone("o-1");
    expect(table.actors()).toEqual([]);
    expect(table.nodes()).toEqual([]);
  });

  test("forgets an actor that is taken out of the bucket, and no other", () => {
    const table = tableOf(recordOf(), recordOf({ address: "worker/w-2" }));
    table.gone("o-1", "worker/w-1");
    expect(table.actors().map(({ address }) => address)).toEqual(["worker/w-2"]);
  });
});

describe("who leads", () => {
  test("is who says so", () => {
    expect(leaderOf([recordOf(), recordOf({ machineId: "supervisor" })])).toBeUndefined();
    expect(leaderOf([recordOf(), leading("o-2")])).toBe("o-2");
  });

  test("is the later one while two say so", () => {
    expect(leaderOf([leading("o-1", 1), leading("o-2", 2)])).toBe("o-2");
  });

  test("is seen first, then the node that told last", () => {
    const views = [
      recordOf({ node: "o-1", at: at(1) }),
      recordOf({ node: "o-2", at: at(3) }),
      recordOf({ node: "o-3", at: at(2) }),
    ];
    const order = (leader?: string) => bestFirst(views, leader).map(({ node }) => node);
    expect(order("o-1")).toEqual(["o-1", "o-2", "o-3"]);
    expect(order()).toEqual(["o-2", "o-3", "o-1"]);
  });
});

describe("a page of actors", () => {
  const table = tableOf(
    leading("o-1"),
    recordOf({ address: "worker/w-1", state: "degraded.suspect" }),
    recordOf({ address: "worker/w-2", state: "healthy" }),
    recordOf({ address: "worker/w-2", state: "degraded.limited", node: "o-2" }),
    recordOf({ address: "connection", machineId: "connection", machine: "h9", node: "w-1" }),
  );
  const keys = (query: Partial<Parameters<typeof pageOf>[1]>) =>
    pageOf(table, { limit: 10, ...query }).actors.map(({ node, address }) => `${node} ${address}`);

  test.each([
    [{ machine: "connection" }, ["w-1 connection"]],
    [{ machine: "h9" }, ["w-1 connection"]],
    [{ node: "o-2" }, ["o-2 worker/w-2"]],
    [{ state: "degraded" }, ["o-1 worker/w-1", "o-2 worker/w-2"]],
    [{ state: "degraded.suspect" }, ["o-1 worker/w-1"]],
    [{ state: "degr" }, []],
    [{ prefix: "worker/", state: "healthy" }, ["o-1 worker/w-2"]],
    [{ machine: "nothing" }, []],
  ])("%j", (query, expected) => {
    expect(keys(query)).toEqual(expected);
  });

  test("goes on where the one before ended, even if that actor has left meanwhile", () => {
    const seen: string[] = [];
    const other = tableOf(...table.actors());
    let cursor: string | undefined;
    for (let pages = 0; pages < 10; pages++) {
      const page = pageOf(other, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.actors.map(({ node, address }) => `${node} ${address}`));
      cursor = page.next;
      if (cursor === undefined) break;
      const last = page.actors.at(-1);
      if (last !== undefined) other.gone(last.node, last.address);
    }
    expect(seen).toEqual(keys({}));
  });

  test.each(["", "nonsense", "e30", Buffer.from('["a"]').toString("base64url")])(
    "%j is no cursor",
    (text) => {
      expect(isCursor(text)).toBe(false);
    },
  );
});

describe("one actor", () => {
  const table = tableOf(
    leading("o-2"),
    recordOf({ node: "o-1", state: "critical", at: at(9) }),
    recordOf({ node: "o-2", state: "healthy", at: at(2) }),
  );

  test("is as the leader sees it; what the others see is told too", () => {
    expect(actorView(table, "worker/w-1")).toMatchObject({
      node: "o-2",
      state: "healthy",
      others: [{ node: "o-1", state: "critical", at: at(9) }],
    });
  });

  test("of a node is as that node sees it", () => {
    expect(actorView(table, "worker/w-1", "o-1")).toMatchObject({ node: "o-1" });
    expect(actorView(table, "worker/w-1", "o-3")).toBeUndefined();
  });

  test.each([
    ["worker/w1", undefined, "there is no actor worker/w1: the nearest is worker/w-1"],
    ["worker/w-1", "o-3", "worker/w-1 is on o-1, o-2, not on o-3"],
  ])("that is not there is told with what is near: %s", (address, node, told) => {
    expect(noSuchActor(table, address, node).message).toBe(told);
  });

  test("is not there where no process answers, and nothing is near", () => {
    expect(noSuchActor(new ActorTable(), "x").message).toContain("no process tells of any");
  });
});
