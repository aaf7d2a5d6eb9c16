import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { replayDeadLetters } from "../../src/bus/dead-letter-actions.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import type { DeadLetterAction } from "../../src/domain/dead-letter.ts";
import { fakeTerminal } from "../cli/fake-terminal.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

/** `batuta dlq …` on the bus of the cluster. */
async function dlq(cluster: Cluster, ...args: readonly string[]) {
  const terminal = fakeTerminal();
  const where = ["--url", nats.url, "--prefix", cluster.bus.names.prefix];
  const exitCode = await runCli(["dlq", ...args, ...where], terminal);
  return { exitCode, out: terminal.out(), err: terminal.err() };
}

function outcomes(text: string): [string, string][] {
  const actions = JSON.parse(text) as DeadLetterAction[];
  return actions.map(({ executionId, outcome }) => [executionId, outcome]);
}

/** A service that is broken until it is mended. */
async function brokenService() {
  const service = { url: "", calls: 0, isMended: false };
  const server = createServer((_request, response) => {
    service.calls += 1;
    response.statusCode = service.isMended ? 200 : 500;
    response.setHeader("content-type", "application/json").end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  service.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return service;
}

test("what failed is listed, explained, and completes when it is replayed after the cause is gone", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const service = await brokenService();
  await cluster.worker("w1");
  const nodes = [{ id: "call", type: "http-request", config: { url: service.url } }];
  const flowData = { name: "pay", version: 1, nodes, connections: [] };
  const message = { flowId: "pay", flowData, maxAttempts: 2 };
  await cluster.publish("high", { ...message, executionId: "pay-1" }, "pay-1");
  const { seq } = await cluster.publish("normal", message);
  const unnamed = `${cluster.bus.names.streams.flows.normal}-${seq}`;
  await cluster.deadLetters.count(2);

  const listed = JSON.parse((await dlq(cluster, "ls", "--flow", "pay", "-o", "json")).out);
  expect(listed).toHaveLength(2);
  expect(listed).toContainEqual(
    expect.objectContaining({ executionId: "pay-1", reason: "max_attempts", attempts: 2 }),
  );
  const shown = await dlq(cluster, "get", "pay-1");
  expect(shown.out).toMatch(/dead-lettered as max_attempts/);
  expect(shown.out.match(/^attempt \d on w1/gm)).toHaveLength(2);
  expect(shown.out).toContain(service.url);

  const before = service.calls;
  service.isMended = true;
  const dry = await dlq(cluster, "replay", "--flow", "pay", "-o", "json");
  expect(outcomes(dry.out).map(([, outcome]) => outcome)).toEqual(["selected", "selected"]);
  expect(dry.out).toContain(`it runs as ${unnamed}`);
  expect(dry.err).toContain("add --yes");
  expect(service.calls).toBe(before);

  const replayed = await dlq(cluster, "replay", "pay-1", unnamed, "-o", "json");
  expect(replayed.exitCode).toBe(0);
  expect(outcomes(replayed.out).map(([, outcome]) => outcome)).toEqual(["replayed", "replayed"]);
  for (const id of ["pay-1", unnamed]) {
    const done = await cluster.results.first(
      (each) => each.executionId === id && each.status === "completed",
    );
    expect(done.attempts, id).toBe(1);
  }
  expect(service.calls).toBe(before + 2);
  const again = await dlq(cluster, "replay", "pay-1", "-o", "json");
  expect([again.exitCode, outcomes(again.out)]).toEqual([4, [["pay-1", "missing"]]]);
  expect(JSON.parse((await dlq(cluster, "ls", "-o", "json")).out)).toEqual([]);
  expect((await dlq(cluster, "get", "pay-1")).exitCode).toBe(4);
});

test("two operators who replay the same letter at once run it once; failing again it has a new letter", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const config = { code: "BOOM", message: "it broke", retryable: false };
  const flowData = { ...NOOP_FLOW, nodes: [{ id: "boom", type: "fail", config }] };
  await cluster.publish("low", { flowId: "f", executionId: "boom", flowData }, "boom");
  const [first] = await cluster.deadLetters.count(1);
  const replay = () =>
    replayDeadLetters(cluster.bus, { executionIds: ["boom"] }, { dryRun: false });
  await Promise.all([replay(), replay()]);
  const second = await cluster.deadLetters.first(({ deadAt }) => deadAt !== first?.deadAt);
  expect(second).toMatchObject({ executionId: "boom", reason: "not_retryable", lane: "low" });
  expect(second.attempts).toHaveLength(1);

  await cluster.publish("low", { flowId: "noop", executionId: "behind", flowData: NOOP_FLOW });
  await cluster.result("behind");
  expect(cluster.deadLetters.bodies).toHaveLength(2);
  const { jsm, names } = cluster.bus;
  const { state } = await jsm.streams.info(names.streams.results, {
    subjects_filter: names.result("boom"),
  });
  expect(state.subjects).toEqual({ [names.result("boom")]: 1 });
  const left = JSON.parse((await dlq(cluster, "ls", "-o", "json")).out);
  expect(left).toMatchObject([{ executionId: "boom", deadAt: second.deadAt }]);
});

test("over HTTP letters are found by filter, replayed and purged, and one without JSON says what will come", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, {
    BATUTA_HTTP_ENABLED: "true",
    BATUTA_HTTP_PORT: "0",
    BATUTA_UNPLACEABLE_TIMEOUT: "0",
  });
  const url = /"httpUrl":"([^"]+)"/.exec(cluster.firstOrchestrator.output)?.[1] ?? "";
  const ask = async (path: string, body?: object) => {
    const headers = { "content-type": "application/json" };
    const post = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await fetch(`${url}/dead-letters${path}`, body && post);
    // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is looked at field by field
    return { status: answer.status, body: (await answer.json()) as any };
  };
  await cluster.worker("w1");
  const { seq } = await cluster.publish("normal", `{torn${"x".repeat(7_000_000)}`);
  const torn = `${cluster.bus.names.streams.flows.normal}-${seq}`;
  const strange = { ...NOOP_FLOW, nodes: [{ id: "a", type: "teleport" }] };
  await cluster.publish("high", { flowId: "f", executionId: "strange", flowData: strange });
  await cluster.deadLetters.count(2);

  const listed = await ask("?lane=high&reason=unsupported&since=1h");
  expect(listed.body).toMatchObject({ deadLetters: [{ executionId: "strange" }], cursor: null });
  expect((await ask("?lane=fast")).status).toBe(400);
  const whole = await ask(`/${torn}`);
  expect(whole.body.message.blob).toBeDefined();
  expect(Buffer.from(whole.body.message.dataBase64, "base64").length).toBe(7_000_005);
  const dry = await ask("/replay", { filter: { reason: "too_large" }, dryRun: true });
  expect(dry.body).toMatchObject({
    dryRun: true,
    deadLetters: [{ outcome: "selected", note: expect.stringContaining("refused again") }],
  });
  expect((await ask("/replay", {})).status).toBe(400);

  const replayed = await ask("/replay", { executionIds: [torn] });
  expect(replayed.body.deadLetters).toMatchObject([{ executionId: torn, outcome: "replayed" }]);
  const isNew = ({ executionId }: { executionId: string }) =>
    executionId !== torn && executionId !== "strange";
  const renamed = await cluster.deadLetters.first(isNew);
  expect(renamed).toMatchObject({ reason: "too_large" });
  const purged = await ask("/purge", { all: true });
  expect(purged.body.deadLetters).toMatchObject([
    { executionId: "strange", outcome: "purged" },
    { executionId: renamed.executionId, outcome: "purged" },
  ]);
  expect((await ask("")).body).toEqual({ deadLetters: [], cursor: null });
  expect((await ask("/strange")).status).toBe(404);
});
