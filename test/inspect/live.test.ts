import { describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { Page, refusalOf, startGateway } from "./gateway.ts";
import { MemoryFleet, nodeInfo, WORKER_MACHINE } from "./memory-source.ts";

const LIVE = "/inspect/live";

describe("a page that looks", () => {
  test("is told of all there is, in chunks, and then of what changed, each actor once", async () => {
    const fleet = new MemoryFleet();
    fleet.nodes.set("n-1", nodeInfo("n-1"));
    fleet.fill(2_500);
    await using running = await startGateway({ fleet });
    const page = new Page(running.ws(LIVE));
    await page.complete();
    expect(page.heard.slice(0, 3).map(({ type }) => type)).toEqual(["hello", "nodes", "machines"]);
    expect(page.of("machines")[0]?.machines).toMatchObject([
      { id: "worker", svg: `/inspect/machines/${WORKER_MACHINE.hash}.svg` },
    ]);
    const chunks = page
      .of("actors")
      .map(({ first, actors, complete }) => [first, actors.length, complete]);
    expect(chunks).toEqual([
      [true, 1_000, false],
      [false, 1_000, false],
      [false, 500, true],
    ]);
    fleet.act({ address: "worker/w-7", state: "degraded" });
    fleet.act({ address: "worker/w-7", state: "healthy" });
    fleet.act({ address: "worker/new" });
    await fleet.remove("n-1", "worker/w-9");
    await page.until(() => page.actors().has("n-1/worker/new"));
    const [changes] = page.of("changes");
    expect(changes?.actors.map(({ key, state }) => [key, state])).toEqual([
      ["n-1/worker/w-7", "healthy"],
      ["n-1/worker/new", "healthy"],
    ]);
    expect(changes?.gone).toEqual(["n-1/worker/w-9"]);
    expect(changes?.actors[0]?.reasons).toEqual(["ok"]);
    page.socket.close();
  });

  test("gets the records of those it follows in full, and of the others without their contexts", async () => {
    await using running = await startGateway();
    const { fleet } = running;
    fleet.fill(2);
    const page = new Page(running.ws(LIVE));
    await page.complete();
    page.send({ type: "follow", keys: ["n-1/worker/w-0"], all: true });
    await page.until(() => page.of("records").length > 0);
    const event = { type: "SLOW" };
    fleet.act({ address: "worker/w-0", event, context: { a: 1 } });
    fleet.act({ address: "worker/w-1", event, context: { b: 2 } });
    const records = () => page.of("records").flatMap(({ records }) => records);
    await page.until(() => records().length === 3);
    expect(records().map(({ address, context }) => [address, context])).toEqual([
      ["worker/w-0", { reasons: ["ok"] }],
      ["worker/w-0", { a: 1 }],
      ["worker/w-1", null],
    ]);
    page.socket.close();
  });

  test("sees that a node does not answer, and that it is back", async () => {
    await using running = await startGateway();
    const { fleet } = running;
    fleet.nodes.set("n-1", nodeInfo("n-1"));
    fleet.fill(1);
    const page = new Page(running.ws(LIVE));
    await page.complete();
    fleet.tell((listener) => listener.nodeGone("n-1"));
    await page.until(() => page.actors().get("n-1/worker/w-0")?.lost === true);
    expect(page.of("nodes").at(-1)?.nodes).toEqual([]);
    expect(page.of("changes").at(-1)?.actors[0]?.reasons?.[0]).toBe("n-1 does not answer");
    fleet.act({ address: "worker/w-0" });
    await page.until(() => page.actors().get("n-1/worker/w-0")?.lost === undefined);
    page.socket.close();
  });

  test("is shown hostile strings as what they are", async () => {
    await using running = await startGateway();
    const address = 'worker/"</script>\u202e\u0000"';
    running.fleet.act({ address, context: { reasons: ["\u2028".repeat(1_000), 7] } });
    const page = new Page(running.ws(LIVE));
    await page.complete();
    expect([...page.actors().keys()]).toEqual([`n-1/${address}`]);
    page.socket.close();
  });
});

test("a late viewer of 10,000 actors has all of them", async () => {
  const fleet = new MemoryFleet();
  fleet.fill(10_000);
  await using running = await startGateway({ fleet });
  const page = new Page(running.ws(LIVE));
  await page.complete();
  expect(page.actors().size).toBe(10_000);
  page.socket.close();
});

describe("what a page may not do", () => {
  test.each([
    ["no JSON", "{", "not JSON"],
    ["no object", "7", "not an object"],
    ["another type", '{"type":"send","event":"KILL"}', "changes nothing"],
    ["no list", '{"type":"follow","keys":"all"}', "200 keys"],
    ["too many keys", JSON.stringify({ type: "follow", keys: Array(201).fill("k") }), "200 keys"],
    ["no flag", '{"type":"follow","keys":[],"all":1}', "true or false"],
  ])("%s is refused in words, and told", async (_, text, reason) => {
    await using running = await startGateway();
    const page = new Page(running.ws(LIVE));
    await page.complete();
    page.send(text);
    await page.until(() => page.of("refused").length > 0);
    expect(page.of("refused")[0]?.reason).toContain(reason);
    expect(running.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    page.socket.close();
  });

  test.each([
    ["a binary frame", (page: Page) => page.socket.send(Buffer.from([1])), 1008],
    ["a frame of 100 kB", (page: Page) => page.send("x".repeat(100_000)), 1009],
    [
      "a flood",
      (page: Page) => {
        for (let i = 0; i < 1_000; i++) page.send({ type: "follow", keys: [] });
      },
      1008,
    ],
  ])("%s ends its connection", async (_, send, code) => {
    await using running = await startGateway();
    const page = new Page(running.ws(LIVE));
    await page.complete();
    send(page);
    await page.until(() => page.closed !== undefined);
    expect(page.closed?.code).toBe(code);
    expect(running.lines.map(({ level }) => level)).toContain("warn");
  });
});

describe("many pages, and slow ones", () => {
  test("a hundred look at once, the next is refused, and gets in when one has left", async () => {
    await using running = await startGateway();
    running.fleet.fill(10);
    const pages = Array.from({ length: 100 }, () => new Page(running.ws(LIVE)));
    await Promise.all(pages.map((page) => page.complete()));
    expect(running.fleet.watched).toBe(1);
    expect(await refusalOf(running.ws(LIVE))).toBe(503);
    expect(await refusalOf(running.ws("/inspect/stately"))).toBe(503);
    expect(running.troubles.get("refused: BUSY")).toBe(2);
    running.fleet.act({ address: "worker/w-3", state: "degraded" });
    const sees = (page: Page) => page.actors().get("n-1/worker/w-3")?.state === "degraded";
    await Promise.all(pages.map((page) => page.until(() => sees(page))));
    pages[0]?.socket.close();
    await pages[0]?.until(() => pages[0]?.closed !== undefined);
    const next = new Page(running.ws(LIVE));
    await next.complete();
    for (const page of [...pages, next]) page.socket.close();
  });

  test("one that reads slowly is told the latest of each actor when it reads again", async () => {
    await using running = await startGateway({ hall: { waitingBytes: 20_000 } });
    const { fleet } = running;
    fleet.fill(300);
    const page = new Page(running.ws(LIVE));
    await page.complete();
    page.send({ type: "follow", keys: ["n-1/worker/w-0"], all: true });
    await page.until(() => page.of("records").length > 0);
    page.socket.pause();
    const filler = { text: "x".repeat(20_000) };
    // Until the buffers of both ends are full, and the queue of records after them.
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 300; i++)
        fleet.act({
          address: `worker/w-${i}`,
          state: `s-${round}`,
          event: { type: "E", ...filler },
        });
      await new Promise((resolve) => setImmediate(resolve));
    }
    page.socket.resume();
    const last = () => [...page.actors().values()].every(({ state }) => state === "s-19");
    const records = () => page.of("records").flatMap((message) => message.records).length;
    const dropped = () => page.of("records").at(-1)?.dropped ?? 0;
    await page.until(() => last() && dropped() > 0 && records() + dropped() === 6_001);
    expect(page.closed).toBeUndefined();
    page.socket.close();
  });

  test("one that reads nothing at all is cut, and costs no more than its share meanwhile", async () => {
    const hall = { waitingBytes: 20_000, silenceMs: 300, checkMs: 50 };
    await using running = await startGateway({ hall });
    running.fleet.fill(10);
    const page = new Page(running.ws(LIVE));
    await page.complete();
    page.socket.pause();
    await vi.waitFor(() => expect(running.troubles.get("no sign of life")).toBe(1), 5_000);
    page.socket.terminate();
  });

  test("one that answers is left alone, however long it says nothing", async () => {
    const hall = { silenceMs: 100, checkMs: 20 };
    await using running = await startGateway({ hall });
    const page = new Page(running.ws(LIVE));
    await page.complete();
    let pings = 0;
    await new Promise<void>((resolve) => {
      page.socket.on("ping", () => ++pings > 20 && resolve());
    });
    expect(page.closed).toBeUndefined();
    page.socket.close();
  });
});

describe("who may look", () => {
  test("is decided by Origin and token, as told in the log", async () => {
    await using running = await startGateway({
      config: { origins: ["https://ops.example.org"], statelyBridge: false },
    });
    const url = running.ws(LIVE);
    expect(await refusalOf(url, { origin: "https://evil.example" })).toBe(403);
    expect(running.troubles.get("refused: FOREIGN_ORIGIN")).toBe(1);
    expect(JSON.stringify(running.lines)).toContain("evil.example");
    const allowed = new Page(url, { origin: "https://ops.example.org" });
    await allowed.complete();
    allowed.socket.close();
    await using guarded = await startGateway({ token: "s3cret-token" });
    expect(await refusalOf(guarded.ws(LIVE))).toBe(401);
    expect(await refusalOf(guarded.ws("/inspect/stately?token=wrong"))).toBe(401);
    const shown = new WebSocket(guarded.ws("/inspect/stately?token=s3cret-token"));
    await new Promise((resolve) => shown.once("open", resolve));
    expect(JSON.stringify(guarded.lines)).not.toContain("s3cret-token");
    shown.close();
  });

  test("is told when the orchestrator closes, which waits for nobody", async () => {
    const running = await startGateway();
    const page = new Page(running.ws(LIVE));
    await page.complete();
    await running[Symbol.asyncDispose]();
    await page.until(() => page.closed !== undefined);
    expect(page.closed?.code).toBe(1001);
    expect(running.mirror.isWatching).toBe(false);
  });
});
