import fc from "fast-check";
import { expect, test } from "vitest";
import { redactingWriter, redactor } from "../../src/inspect/redact.ts";
import { ActorMemo } from "../../src/inspect/redact-memo.ts";

const redact = redactor();

test("secrets are taken out by the names of their fields, wherever they are", () => {
  const value = {
    password: "a",
    apiKey: "b",
    "api-key": "c",
    nested: { list: [{ Authorization: "Bearer x", accessToken: "d" }] },
    clientSecret: { deep: "e" },
    setCookie: ["f"],
    monkey: "stays",
    lane: "high",
  };
  expect(redact(value)).toEqual({
    password: "[redacted]",
    apiKey: "[redacted]",
    "api-key": "[redacted]",
    nested: { list: [{ Authorization: "[redacted]", accessToken: "[redacted]" }] },
    clientSecret: "[redacted]",
    setCookie: "[redacted]",
    monkey: "stays",
    lane: "high",
  });
});

test("what a flow works on leaves a note of its size only", () => {
  const value = { inputs: { card: "4242" }, output: [1, 2], body: "x".repeat(2_000), data: null };
  expect(redact(value)).toEqual({
    inputs: "[payload]",
    output: "[payload, 2 items]",
    body: "[payload, 2000 characters]",
    data: null,
  });
});

test("further names can be given, in any case", () => {
  expect(redactor(["email"])({ Email: "a@b.c", name: "Ada" })).toEqual({
    Email: "[redacted]",
    name: "Ada",
  });
});

test("values that JSON does not know are told as people would read them", () => {
  const value = {
    when: new Date(0),
    big: 12n,
    not: Number.NaN,
    far: Number.POSITIVE_INFINITY,
    set: new Set(["a"]),
    map: new Map([["k", { token: 1 }]]),
    error: new TypeError("broken"),
    bytes: new Uint8Array(3),
    now: () => 1,
    none: null,
  };
  expect(redact(value)).toEqual({
    when: "1970-01-01T00:00:00.000Z",
    big: "12n",
    not: "NaN",
    far: "Infinity",
    set: ["a"],
    map: { k: { token: "[redacted]" } },
    error: "TypeError: broken",
    bytes: "[3 bytes]",
    none: null,
  });
});

test("what is long, deep, wide, or without end is cut", () => {
  const endless: Record<string, unknown> = { name: "x" };
  endless.self = endless;
  expect(JSON.stringify(redact(endless))).toContain("{…}");
  expect(redact("y".repeat(1_000_000))).toBe(`${"y".repeat(256)}… (1000000 characters)`);
  const wide = redact(Array.from({ length: 5_000 }, (_, i) => i)) as unknown[];
  expect(wide).toHaveLength(101);
  expect(wide.at(-1)).toBe("… 4900 more");
  expect(redact(`${"y".repeat(255)}\u{1f600}z`)).toBe(`${"y".repeat(255)}… (258 characters)`);
});

test("what throws when it is read is unreadable, and the rest is told", () => {
  const value = {
    fine: 1,
    get bad(): never {
      throw new Error("no");
    },
  };
  expect(redact(value)).toEqual({ fine: 1, bad: "[unreadable]" });
  const hostile = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("no");
      },
    },
  );
  expect(redact({ hostile })).toEqual({ hostile: "[unreadable]" });
});

test("a secret is none the less one where its name is cut", () => {
  const filler = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`field${i}`, "y".repeat(140)]),
  );
  for (let more = 0; more < 30; more += 1) {
    const text = JSON.stringify(
      redact({ ...filler, pad: "z".repeat(more * 10), password: 424_242 }),
    );
    expect(text).not.toContain("424242");
  }
});

test("logins in addresses are taken out", () => {
  expect(redact({ server: "nats://ada:pass@host:4222", note: "https://x.example/a@b" })).toEqual({
    server: "nats://[redacted]@host:4222",
    note: "https://x.example/a@b",
  });
});

test("nothing that says its own name or time makes it large, or throw", () => {
  const long = "n".repeat(1_000_000);
  const named = Object.defineProperty(new Error("m"), "name", { value: long });
  const date = Object.assign(new Date(0), { toJSON: () => 1n });
  const hostile = [named, Symbol(long), [Object.defineProperty(() => 1, "name", { value: long })]];
  for (const value of [...hostile, 10n ** 10_000n, date, new Date(Number.NaN)])
    expect(JSON.stringify(redact({ value })).length).toBeLessThan(500);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(redact(proxy)).toBe("[unreadable]");
  const liar = new Proxy(() => 1, {
    get: () => {
      throw new Error("no");
    },
  });
  expect(redact(liar)).toBe("[unreadable]");
});

test("whatever comes, it does not throw, can be written as JSON, and is small", () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }),
      (value) => {
        const text = JSON.stringify(redact(value)) ?? "";
        expect(text.length).toBeLessThan(40_000);
      },
    ),
  );
});

test("what was written before and has not changed is written the same, whatever else there is", () => {
  const anything = fc.anything({ withDate: true, withMap: true, withBigInt: true });
  const fields = fc.dictionary(fc.constantFrom("a", "b", "token", "data", "url"), anything);
  fc.assert(
    fc.property(fields, fc.array(fields, { minLength: 1, maxLength: 4 }), (first, changes) => {
      const write = redactingWriter();
      const memo = new ActorMemo();
      let context: Record<string, unknown> = first;
      for (const event of changes) {
        context = { ...context, ...event, kept: { event: event.a } };
        expect(write(event, memo.event)).toBe(write(event));
        expect(write(context, memo.context)).toBe(write(context));
      }
    }),
  );
});

test("a list that grows at one end is written the same, at whatever depth its entries come again", () => {
  const entry = fc.anything({ withDate: true, withSet: true, maxDepth: 6 });
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 12 }), (entries) => {
      const write = redactingWriter();
      const { context: memo } = new ActorMemo();
      for (let end = 1; end <= entries.length; end += 1) {
        const list = entries.slice(Math.max(0, end - 4), end);
        const context = { list, deep: { deeper: [{ list }] }, newest: [list.at(-1)] };
        expect(write(context, memo)).toBe(write(context));
      }
    }),
  );
});

test("with a memo large values are cut as without one, and what changes in itself is read again", () => {
  const write = redactingWriter();
  const { event, context } = new ActorMemo();
  const long = Array.from({ length: 40 }, (_, i) => `${"y".repeat(100)}${i}`);
  const set = new Set([1]);
  for (const size of [1, 40, 20, 40]) {
    const known = {
      long: long.slice(0, size),
      same: long,
      deep: { a: { b: { c: { long } } } },
      set,
    };
    set.add(size);
    expect(write({ long }, event)).toBe(write({ long }));
    expect(write(known, context)).toBe(write(known));
  }
});

test("of a large map no more is read than can be told", () => {
  const map = new Map(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i]));
  const told = redact({ map }) as { map: Record<string, unknown> };
  expect(Object.keys(told.map)).toHaveLength(101);
  expect(told.map["…"]).toBe("9900 more");
});
