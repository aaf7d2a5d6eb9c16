import { once } from "node:events";
import { createWebSocketInspector, createWebSocketReceiver } from "@statelyai/inspect";
import { describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { createActor, setup } from "xstate";
import { startGateway } from "./gateway.ts";
import { MemoryFleet, nodeInfo, WORKER_MACHINE } from "./memory-source.ts";

const STATELY = "/inspect/stately";

interface Heard {
  readonly type: string;
  readonly sessionId: string;
  readonly name?: string;
  readonly definition?: string;
  readonly parentId?: string;
  readonly rootId?: string;
  readonly sourceId?: string;
  readonly createdAt: string;
  readonly event?: { readonly type: string };
  readonly snapshot?: {
    readonly status: string;
    readonly value: unknown;
    readonly context: unknown;
  };
}

/** The official receiver: what it was told, by kind. */
function receive(url: string) {
  const heard: Heard[] = [];
  const receiver = createWebSocketReceiver({ server: url });
  let wake = () => {};
  receiver.subscribe((event) => {
    heard.push(event as unknown as Heard);
    wake();
  });
  const of = (type: string) => heard.filter((each) => each.type === `@xstate.${type}`);
  const sessions = () => new Set(of("actor").map(({ sessionId }) => sessionId));
  const until = async (is: () => boolean) => {
    while (!is())
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return { heard, of, sessions, until };
}

const machine = setup({ types: { context: {} as { count: number } } }).createMachine({
  id: "lamp",
  initial: "off",
  context: { count: 0 },
  states: {
    off: { on: { TOGGLE: "on" } },
    on: { on: { TOGGLE: "off", BREAK: "broken" } },
    broken: { type: "final" },
  },
});

/** A process that tells what a lamp does, with the stock inspector. */
function produce(url: string) {
  const inspector = createWebSocketInspector({ url });
  const actor = createActor(machine, { inspect: inspector.inspect });
  return { actor, inspector, [Symbol.dispose]: () => inspector.stop() };
}

describe("the official receiver", () => {
  test("sees every live actor with its definition, also late and with 1,000 of them", async () => {
    const fleet = new MemoryFleet();
    fleet.nodes.set("n-1", nodeInfo("n-1"));
    fleet.fill(1_000);
    await using running = await startGateway({ fleet });
    const early = receive(running.ws(STATELY));
    await early.until(() => early.sessions().size === 1_000);
    for (let i = 0; i < 1_000; i++)
      fleet.act({ address: `worker/w-${i}`, event: { type: "BEAT" } });
    const late = receive(running.ws(STATELY));
    await late.until(() => late.sessions().size === 1_000);
    await early.until(() => early.of("event").length === 1_000);
    expect(late.sessions()).toEqual(new Set(fleet.actors.keys()));
    for (const { definition, snapshot } of [...early.of("actor"), ...late.of("actor")]) {
      expect(JSON.parse(definition ?? "")).toEqual(WORKER_MACHINE.config);
      expect(snapshot).toMatchObject({ status: "active", value: "healthy" });
    }
  });

  test("hears what each does after the actor itself, with its family and its sender", async () => {
    await using running = await startGateway();
    const { fleet } = running;
    fleet.act({ kind: "actor", address: "supervisor/s" });
    const viewer = receive(running.ws(STATELY));
    await viewer.until(() => viewer.sessions().size === 1);
    const family = { address: "worker/w", parent: "supervisor/s" };
    fleet.act({ ...family, kind: "actor" });
    const event = { type: "SLOW", ms: 5 };
    const step = { event, source: "supervisor/s", state: "degraded", value: "degraded" };
    const { at } = fleet.act({ ...family, ...step });
    await viewer.until(() => viewer.of("snapshot").length > 0);
    const own = viewer.heard.filter(({ sessionId }) => sessionId === "n-1/worker/w");
    expect(own.map(({ type }) => type)).toEqual([
      "@xstate.actor",
      "@xstate.event",
      "@xstate.snapshot",
    ]);
    expect(own[0]).toMatchObject({
      name: "worker/w",
      parentId: "n-1/supervisor/s",
      rootId: "n-1/supervisor/s",
      id: null,
      _version: "0.7.2",
    });
    expect(own[1]).toMatchObject({
      event,
      sourceId: "n-1/supervisor/s",
      createdAt: String(Date.parse(at)),
    });
    expect(own[2]?.snapshot).toEqual({
      status: "active",
      value: "degraded",
      context: { reasons: ["ok"] },
      tags: [],
      historyValue: {},
      children: {},
    });
  });

  test("is sent no actor before its definition has come", async () => {
    await using running = await startGateway();
    const viewer = receive(running.ws(STATELY));
    running.fleet.act({ address: "worker/odd", machine: "ffffffffffffffff" });
    running.fleet.act({ address: "worker/w" });
    await viewer.until(() => viewer.sessions().size === 1);
    expect([...viewer.sessions()]).toEqual(["n-1/worker/w"]);
    await running.fleet.define({ ...WORKER_MACHINE, hash: "ffffffffffffffff" });
    await viewer.until(() => viewer.sessions().has("n-1/worker/odd"));
  });

  test("sees the actors of a node that is gone as stopped, and as alive once it is back", async () => {
    await using running = await startGateway();
    const { fleet } = running;
    fleet.nodes.set("n-1", nodeInfo("n-1"));
    fleet.fill(2);
    const viewer = receive(running.ws(STATELY));
    await viewer.until(() => viewer.sessions().size === 2);
    fleet.tell((listener) => listener.nodeGone("n-1"));
    await viewer.until(() => viewer.of("actor").length === 4);
    expect(viewer.heard.at(-1)?.snapshot?.status).toBe("stopped");
    fleet.tell((listener) => listener.node(nodeInfo("n-1")));
    await viewer.until(() => viewer.of("actor").length === 6);
    expect(viewer.heard.at(-1)?.snapshot?.status).toBe("active");
    await fleet.remove("n-1", "worker/w-0");
    await viewer.until(() => viewer.of("snapshot").length > 0);
    expect(viewer.heard.at(-1)).toMatchObject({
      sessionId: "n-1/worker/w-0",
      snapshot: { status: "stopped" },
    });
  });

  test("that reads slowly misses events, and no state", async () => {
    await using running = await startGateway({ hall: { waitingBytes: 50_000 } });
    const { fleet } = running;
    fleet.fill(100);
    const socket = new WebSocket(running.ws(STATELY));
    const states = new Map<string, unknown>();
    let steps = 0;
    let wake = () => {};
    socket.on("message", (data) => {
      const { type, sessionId, snapshot } = JSON.parse(String(data)) as Heard;
      if (type === "@xstate.event") steps += 1;
      if (snapshot !== undefined) states.set(sessionId, snapshot.value);
      wake();
    });
    const until = async (is: () => boolean) => {
      while (!is())
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    };
    await until(() => states.size === 100);
    socket.pause();
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 100; i++)
        fleet.act({
          address: `worker/w-${i}`,
          value: `s-${round}`,
          event: { type: "E", text: "x".repeat(20_000) },
        });
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.resume();
    await until(() => [...states.values()].every((value) => value === "s-19"));
    expect(steps).toBeLessThan(2_000);
    socket.close();
  });
});

describe("the official inspector", () => {
  test("shows a real actor to the sink, the mirror and a receiver, until it leaves", async () => {
    await using running = await startGateway();
    const viewer = receive(running.ws(STATELY));
    await vi.waitFor(() => expect(running.mirror.isWatching).toBe(true), 8_000);
    const producing = produce(running.ws(STATELY));
    producing.actor.start();
    await viewer.until(() => viewer.sessions().size === 1);
    const [session = ""] = viewer.sessions();
    expect(session).toMatch(/^stately-[0-9a-f]{12}\/lamp\/x_\d+$/);
    const { definition } = viewer.of("actor")[0] ?? {};
    expect(JSON.parse(definition ?? "")).toMatchObject({ id: "lamp", initial: "off" });
    producing.actor.send({ type: "TOGGLE" });
    await viewer.until(() =>
      viewer.of("snapshot").some(({ snapshot }) => snapshot?.value === "on"),
    );
    const record = running.mirror.actors.get(session);
    expect(record).toMatchObject({
      kind: "transition",
      state: "on",
      from: "off",
      event: { type: "TOGGLE" },
      context: { count: 0 },
      machineId: "lamp",
    });
    const { chart } = running.mirror.machines.get(record?.machine ?? "") ?? {};
    expect(chart?.states.map(({ path }) => path)).toEqual(["", "broken", "off", "on"]);
    await vi.waitFor(() => expect(running.fleet.actors.get(session)?.state).toBe("on"), 8_000);
    producing.inspector.stop();
    await vi.waitFor(() => expect(running.fleet.actors.size).toBe(0), 8_000);
    expect(viewer.heard.at(-1)?.snapshot?.status).toBe("stopped");
    expect(running.mirror.actors.size).toBe(0);
  });

  test("in two processes makes two actors, though both call theirs the same", async () => {
    await using running = await startGateway();
    const viewer = receive(running.ws(STATELY));
    const snapshot = { status: "active", value: "off", context: {} };
    const actor = {
      type: "@xstate.actor",
      name: "lamp",
      sessionId: "x:0",
      snapshot,
      _version: "0.7.2",
    };
    const sockets = [0, 1].map(() => new WebSocket(running.ws(STATELY)));
    await Promise.all(sockets.map((socket) => once(socket, "open")));
    for (const socket of sockets) socket.send(JSON.stringify(actor));
    await viewer.until(() => viewer.sessions().size === 2);
    expect([...viewer.sessions()].every((session) => session.endsWith("/lamp/x_0"))).toBe(true);
    for (const socket of sockets) socket.close();
  });

  test("does not have the fleet watched, nor hear anything", async () => {
    const fleet = new MemoryFleet();
    await using running = await startGateway({ fleet, mirror: { lingerMs: 1 } });
    using producing = produce(running.ws(STATELY));
    producing.actor.start();
    await vi.waitFor(() => expect(fleet.published.length).toBeGreaterThan(0), 8_000);
    await vi.waitFor(() => expect(running.mirror.isWatching).toBe(false), 8_000);
  });

  test("is told as an end what has ended, and it makes room", async () => {
    await using running = await startGateway({ stately: { storeMs: 1, maxActors: 1 } });
    using producing = produce(running.ws(STATELY));
    const { actor } = producing;
    actor.start();
    for (const type of ["TOGGLE", "BREAK"] as const) actor.send({ type });
    const { published } = running.fleet;
    await vi.waitFor(
      () => expect(published.at(-1)).toMatchObject({ kind: "end", status: "done" }),
      8_000,
    );
    createActor(machine, { inspect: producing.inspector.inspect }).start();
    const isNext = { state: "off", event: { type: "xstate.init" } };
    await vi.waitFor(() => expect(published.at(-1)).toMatchObject(isNext), 8_000);
  });
});

describe("what a producer may send", () => {
  const snapshot = { status: "active", value: "off", context: {} };
  const actor = { type: "@xstate.actor", sessionId: "x:0", snapshot, _version: "0.7.2" };

  /** Sends the frames, and then an actor that is as it should be; gives back what is told of it all. */
  async function send(...frames: readonly unknown[]) {
    await using running = await startGateway();
    const socket = new WebSocket(running.ws(STATELY));
    await once(socket, "open");
    for (const frame of [...frames, { ...actor, name: "last", sessionId: "last" }])
      socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
    const { published } = running.fleet;
    const isLast = () => published.some(({ address }) => address === "last/last");
    await vi.waitFor(() => expect(isLast()).toBe(true), 5_000);
    socket.close();
    await vi.waitFor(() => expect(published.at(-1)?.kind).toBe("end"), 8_000);
    const told = published.filter(({ kind, address }) => kind !== "end" && address !== "last/last");
    return {
      told,
      troubles: running.troubles,
      lines: running.lines,
      machines: running.fleet.machines,
    };
  }

  const deep = `${'{"a":'.repeat(300)}1${"}".repeat(300)}`;

  test.each([
    ["no JSON", "{"],
    ["no object", [1]],
    ["a type of its own", { ...actor, type: "@xstate.kill" }],
    ["no session", { ...actor, sessionId: 7 }],
    ["a session id of 1 kB", { ...actor, sessionId: "x".repeat(1_024) }],
    ["no snapshot", { ...actor, snapshot: "off" }],
    ["a context 300 deep", JSON.stringify(actor).replace('"context":{}', `"context":${deep}`)],
  ])("%s is refused, counted and told, and the rest is read", async (_, frame) => {
    const { told, troubles, lines } = await send(frame);
    expect(told).toEqual([]);
    expect(troubles.get("a frame of a producer that cannot be read")).toBe(1);
    expect(lines.map(({ level }) => level)).toContain("warn");
  });

  test.each([
    ["that is no JSON", "{"],
    ["that is no object", "[]"],
    ["that is no machine", '{"states":{"a":{"on":{"X":null}}}}'],
    ["whose states are text", '{"id":"a","states":"abc"}'],
    ["with tags of another kind", '{"id":"a","tags":[{"a":1}]}'],
    ["300 deep", deep],
    ["of 300 kB", JSON.stringify({ id: "x".repeat(300_000) })],
    [
      "with 600 states",
      JSON.stringify({
        states: Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`s${i}`, {}])),
      }),
    ],
  ])("a definition %s leaves an actor that can be drawn", async (_, definition) => {
    const { told, machines } = await send({ ...actor, name: "odd", definition });
    expect(told).toMatchObject([{ address: "odd/x_0", state: "off" }]);
    const machine = machines.get(told[0]?.machine ?? "");
    expect(machine?.chart.states.length).toBeGreaterThan(0);
    expect(() => JSON.stringify(machine)).not.toThrow();
  });

  test("hostile strings are made safe where they are names, and kept where they are data", async () => {
    const name = "<script>alert(1)</script>\u202e../..";
    const context = { note: name, ["__proto__" as string]: 1 };
    const { told } = await send({
      ...actor,
      name,
      sessionId: "a.b > *",
      snapshot: { ...snapshot, context },
    });
    expect(told[0]?.address).toMatch(/^[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+$/);
    expect(told[0]?.context).toMatchObject({ note: name });
  });

  test("a value or tags of another kind, and an event without a type, are left out", async () => {
    const odd = { status: 9, value: [1], tags: { a: 1 }, context: null };
    const step = { ...actor, type: "@xstate.snapshot", event: { type: 7 }, snapshot: odd };
    const { told } = await send(actor, step);
    expect(told[1]).toMatchObject({ kind: "actor", status: "active", tags: [], context: null });
    expect(told[1]?.event).toBeUndefined();
  });

  test("of 10,000 actors 1,000 are shown, and the others counted", async () => {
    await using running = await startGateway();
    const socket = new WebSocket(running.ws(STATELY));
    await once(socket, "open");
    for (let i = 0; i < 10_000; i++) socket.send(JSON.stringify({ ...actor, sessionId: `x:${i}` }));
    const { troubles } = running;
    const refused = () =>
      (troubles.get("a producer has more actors than are shown") ?? 0) +
      (troubles.get("a producer sends more than is read") ?? 0);
    await vi.waitFor(() => expect(refused()).toBe(9_000), 8_000);
    expect(running.fleet.published).toHaveLength(1_000);
    socket.terminate();
  });

  test("a frame of 2 MB or a thousand bad ones end its connection, and its actors", async () => {
    await using running = await startGateway();
    for (const [frames, code] of [
      [["x".repeat(2_000_000)], 1009],
      [Array(1_500).fill("{"), 1008],
    ] as const) {
      const socket = new WebSocket(running.ws(STATELY));
      await once(socket, "open");
      for (const frame of [JSON.stringify(actor), ...frames]) socket.send(frame);
      const [closed] = await once(socket, "close");
      expect(closed).toBe(code);
      await vi.waitFor(() => expect(running.fleet.published.at(-1)?.kind).toBe("end"), 8_000);
    }
  });
});

test("the bridge to the hosted inspector is off unless it is switched on, and then says what it does", async () => {
  await using off = await startGateway();
  const refused = await fetch(`${off.server.url}/inspect/stately.html`);
  expect([refused.status, await refused.text()]).toEqual([
    404,
    expect.stringContaining("BATUTA_INSPECT_STATELY_BRIDGE"),
  ]);
  await using on = await startGateway({ config: { origins: [], statelyBridge: true } });
  const shown = await fetch(`${on.server.url}/inspect/stately.html`);
  const csp = shown.headers.get("content-security-policy") ?? "";
  expect(csp).toMatch(
    /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'; frame-src https:\/\/stately.ai;/,
  );
  const page = await shown.text();
  expect(page).toContain("third party");
  expect(page).not.toMatch(/postMessage\([^)]*\*/);
});
