import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toOutput } from "../../src/engine/node-output.ts";
import { safeErrorInfo } from "../../src/engine/safe-error.ts";
import { flowData, nodeOf, runNow, setFlow, settled } from "./fixtures.ts";

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
});
afterEach(async () => {
  await settled();
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

const runNode = (run: () => unknown) =>
  runNow(flowData([{ id: "a", type: "own" }]), {}, [nodeOf("own", run)]);

const circle: Record<string, unknown> = {};
circle.self = { back: circle };

test.each([
  ["a BigInt", 1n, "BAD_OUTPUT"],
  ["a BigInt inside", { a: [{ b: 1n }] }, "BAD_OUTPUT"],
  ["a cycle", circle, "BAD_OUTPUT"],
  ["a function", { f: () => 1 }, "BAD_OUTPUT"],
  ["a symbol", [Symbol("x")], "BAD_OUTPUT"],
  ["NaN", Number.NaN, "BAD_OUTPUT"],
  ["Infinity", [1 / 0], "BAD_OUTPUT"],
  ["a Map", new Map([["a", 1]]), "BAD_OUTPUT"],
  ["a Set", { s: new Set() }, "BAD_OUTPUT"],
  ["bytes", new Uint8Array(3), "BAD_OUTPUT"],
  ["an invalid date", new Date(Number.NaN), null],
])("an output that is or holds %s is handled", async (_, value, code) => {
  const outcome = await runNode(() => value);
  if (code === null) expect(outcome).toMatchObject({ status: "completed", output: null });
  else expect(outcome).toMatchObject({ error: { code, retryable: false, nodeId: "a" } });
});

test("what an output lacks is null, and what JSON leaves out is left out", async () => {
  const date = new Date(0);
  expect(await runNode(() => undefined)).toMatchObject({ output: null });
  expect(await runNode(() => ({ a: undefined, b: [undefined, date] }))).toMatchObject({
    output: { b: [null, "1970-01-01T00:00:00.000Z"] },
  });
});

test("an output nested very deep is refused before it can break anything", async () => {
  const deep: unknown = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  expect(await runNode(() => deep)).toMatchObject({ error: { code: "BAD_OUTPUT" } });
});

test("the place of what is not JSON is named", async () => {
  expect(await runNode(() => ({ rows: [{ id: 1n }] }))).toMatchObject({
    error: { message: "/rows/0/id of the output is a bigint, which is not JSON" },
  });
});

test("an output beyond the limit of the worker or the flow is refused", async () => {
  const text = "x".repeat(1_000);
  expect(await runNow(setFlow(text), { maxOutputBytes: 500 })).toMatchObject({
    error: { code: "OUTPUT_TOO_LARGE", retryable: false },
  });
  const limited = { ...setFlow(text), settings: { maxOutputBytes: 900 } };
  expect(await runNow(limited)).toMatchObject({ error: { code: "OUTPUT_TOO_LARGE" } });
  expect(await runNow(setFlow(text))).toMatchObject({ status: "completed" });
});

test("a value that doubles with every node is stopped", async () => {
  const nodes = Array.from({ length: 40 }, (_, i) => ({
    id: `n${i}`,
    type: "set",
    config: { value: "{{ input + input }}" },
  }));
  const chain = nodes.slice(1).map((node, i) => `n${i} -> ${node.id}`);
  const outcome = await runNow(flowData(nodes, chain), {
    inputs: "0123456789",
    maxOutputBytes: 1_000_000,
  });
  expect(outcome).toMatchObject({ error: { code: "OUTPUT_TOO_LARGE" } });
});

test("an instance of a class becomes a plain object, so that expressions can read it", async () => {
  class Row {
    id = 1;
    #hidden = 2;
    twice(): number {
      return this.#hidden;
    }
  }
  const data = flowData(
    [
      { id: "a", type: "own" },
      { id: "b", type: "set", config: { value: "{{ input.id }}" } },
    ],
    ["a -> b"],
  );
  expect(await runNow(data, {}, [nodeOf("own", () => new Row())])).toMatchObject({ output: 1 });
});

test("a small list that repeats a large one counts as what it would be in JSON", () => {
  const large = Array.from({ length: 1_000 }, (_, i) => i);
  const squared = large.map(() => large.map(() => large));
  expect(() => toOutput(squared, 1_000_000)).toThrow(/larger than/);
});

const unreadable = {
  get message(): string {
    throw new Error("no");
  },
};
const brokenError = Object.defineProperty(new Error("x"), "message", {
  get: () => {
    throw new Error("no");
  },
});

test.each([
  ["null", null],
  ["undefined", undefined],
  ["a text", "oops"],
  ["an object without a prototype", Object.create(null)],
  ["an object that cannot be read", unreadable],
  ["an error that cannot be read", brokenError],
  [
    "a proxy that throws",
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("trap");
        },
      },
    ),
  ],
  ["a symbol", Symbol("x")],
])("a node that throws %s fails, and nothing else happens", async (_, value) => {
  const sync = await runNode(() => {
    throw value;
  });
  const later = await runNode(() => Promise.reject(value));
  for (const outcome of [sync, later]) {
    expect(outcome).toMatchObject({ status: "failed", error: { code: "INTERNAL", nodeId: "a" } });
    expect(() => JSON.stringify(outcome)).not.toThrow();
  }
});

test("an answer that pretends to be a promise is one", async () => {
  const outcome = (then: unknown) => runNode(() => ({ then }));
  expect(await outcome((resolve: (value: unknown) => void) => resolve(5))).toMatchObject({
    output: 5,
  });
  expect(
    await outcome(() => {
      throw new Error("liar");
    }),
  ).toMatchObject({ error: { code: "INTERNAL" } });
  expect(await outcome("a field called then")).toMatchObject({
    output: JSON.parse('{"then":"a field called then"}'),
  });
});

test("a promise that settles twice counts once", async () => {
  const then = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
    resolve("first");
    reject(new Error("second"));
    resolve("third");
  };
  expect(await runNode(() => ({ then }))).toMatchObject({ output: "first" });
});

test("a message of a megabyte is cut", () => {
  expect(safeErrorInfo(new Error("x".repeat(1_000_000))).message.length).toBeLessThan(5_000);
});

test("a getter in an output that throws fails the node", async () => {
  const outcome = await runNode(() => ({
    get bad(): string {
      throw new Error("getter");
    },
  }));
  expect(outcome).toMatchObject({ status: "failed", error: { code: "INTERNAL" } });
});

test("whatever a node answers, the outcome is JSON", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true }),
      async (value) => {
        const outcome = await runNode(() => value);
        expect(typeof JSON.stringify(outcome)).toBe("string");
      },
    ),
    { numRuns: 300 },
  );
});

test("an output that passes is what JSON would make of it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(toOutput(value, 1e9)).toBe(value);
    }),
  );
});
