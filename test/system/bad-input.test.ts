import { createConnection } from "node:net";
import { expect, test } from "vitest";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

const CYCLE = {
  name: "cycle",
  version: 1,
  nodes: [
    { id: "a", type: "noop" },
    { id: "b", type: "noop" },
  ],
  connections: [
    { from: "a", to: "b" },
    { from: "b", to: "a" },
  ],
};
const UNKNOWN_TYPE = { ...NOOP_FLOW, nodes: [{ id: "a", type: "teleport" }] };

interface BadCase {
  readonly what: string;
  readonly body: unknown;
  readonly reason: string;
  readonly says: RegExp;
  /** Whether the message has an executionId of its own that can be used. */
  readonly id?: string;
}

const valid = (changes: object) => ({ flowId: "f", flowData: NOOP_FLOW, ...changes });

const CASES: readonly BadCase[] = [
  { what: "an empty body", body: "", reason: "invalid", says: /empty/ },
  { what: "a body that is not JSON", body: "{]", reason: "invalid", says: /not JSON/ },
  { what: "a JSON text that is no object", body: "42", reason: "invalid", says: /object/ },
  {
    what: "a message without a flow",
    body: { flowId: "f", executionId: "no-flow" },
    reason: "invalid",
    says: /flowData/,
    id: "no-flow",
  },
  {
    what: "a cycle",
    body: valid({ executionId: "cyclic", flowData: CYCLE }),
    reason: "invalid",
    says: /cycle/i,
    id: "cyclic",
  },
  {
    what: "a deadline in the past",
    body: valid({ executionId: "late", deadline: "2020-01-01T00:00:00Z" }),
    reason: "expired",
    says: /past/,
    id: "late",
  },
  {
    what: "an executionId with a dot",
    body: valid({ executionId: "a.b" }),
    reason: "invalid",
    says: /executionId/,
  },
  {
    what: "an executionId that is a wildcard",
    body: valid({ executionId: "*" }),
    reason: "invalid",
    says: /executionId/,
  },
  {
    what: "an executionId that is the other wildcard",
    body: valid({ executionId: ">" }),
    reason: "invalid",
    says: /executionId/,
  },
  {
    what: "an executionId of 300 characters",
    body: valid({ executionId: "x".repeat(300) }),
    reason: "invalid",
    says: /executionId/,
  },
  {
    what: "an executionId beyond ASCII",
    body: valid({ executionId: "ejecución" }),
    reason: "invalid",
    says: /executionId/,
  },
  {
    what: "a hostile flowId",
    body: valid({ flowId: "flows.>" }),
    reason: "invalid",
    says: /flowId/,
  },
  {
    what: "a body of 600 KB",
    body: valid({ executionId: "big", inputs: "x".repeat(600_000) }),
    reason: "too_large",
    says: /bytes/,
  },
];

test("every bad message is dead-lettered with a reason for people, and the lane goes on", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const stream = cluster.bus.names.streams.flows.normal;
  const published = [];
  for (const bad of CASES) {
    const { seq } = await cluster.publish("normal", bad.body);
    published.push({ ...bad, executionId: bad.id ?? `${stream}-${seq}` });
  }
  await cluster.publish("normal", {
    flowId: "noop",
    executionId: "behind-them",
    flowData: NOOP_FLOW,
  });
  expect(await cluster.result("behind-them")).toMatchObject({ status: "completed" });
  for (const { what, executionId, reason, says } of published) {
    const result = await cluster.result(executionId);
    expect(result, what).toMatchObject({ status: "failed", reason, lane: "normal" });
    expect(result.error?.message, what).toMatch(says);
    const letter = await cluster.deadLetters.first((each) => each.executionId === executionId);
    expect(letter.reason, what).toBe(reason);
    expect(letter.message.bytes, what).toBeGreaterThanOrEqual(0);
  }
  const ids = cluster.results.bodies.map(({ executionId }) => executionId);
  expect(new Set(ids).size).toBe(ids.length);
});

test("a dead letter keeps the original message, byte for byte where it is not JSON", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  await cluster.publish("low", "{torn");
  await cluster.publish("low", { flowId: "f", executionId: "half", flowData: { name: "half" } });
  const torn = await cluster.deadLetters.first(({ message }) => message.dataBase64 !== undefined);
  expect(Buffer.from(torn.message.dataBase64 ?? "", "base64").toString()).toBe("{torn");
  const half = await cluster.deadLetters.first(({ executionId }) => executionId === "half");
  expect(half.message.data).toEqual({
    flowId: "f",
    executionId: "half",
    flowData: { name: "half" },
  });
  expect(half.problems?.map(({ pointer }) => pointer)).toEqual(
    expect.arrayContaining(["/flowData/version", "/flowData/nodes"]),
  );
});

test("a bad message that bears the id of an execution which has ended harms nothing, and is dead-lettered", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  await cluster.publish("normal", { flowId: "noop", executionId: "good", flowData: NOOP_FLOW });
  await cluster.result("good");
  const { seq } = await cluster.publish("normal", { flowId: "noop", executionId: "good" });
  const ownId = `${cluster.bus.names.streams.flows.normal}-${seq}`;
  const letter = await cluster.deadLetters.first(({ executionId }) => executionId === ownId);
  expect(letter.reason).toBe("invalid");
  expect(cluster.results.bodies.filter(({ executionId }) => executionId === "good")).toHaveLength(
    1,
  );
});

test("a node type that no worker has waits for one, and is given up as unsupported in the end", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, { BATUTA_UNPLACEABLE_TIMEOUT: "1s" });
  await cluster.worker("w1");
  await cluster.publish("high", { flowId: "f", executionId: "strange", flowData: UNKNOWN_TYPE });
  await cluster.publish("high", { flowId: "f", executionId: "behind", flowData: NOOP_FLOW });
  expect(await cluster.result("behind")).toMatchObject({ status: "completed" });
  const result = await cluster.result("strange");
  expect(result).toMatchObject({ status: "failed", reason: "unsupported", attempts: 0 });
  expect(result.error?.message).toContain('"teleport"');
});

test("a node type that no worker has is refused at once where BATUTA_UNKNOWN_TYPES=reject", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, { BATUTA_UNKNOWN_TYPES: "reject" });
  await cluster.worker("w1");
  await cluster.publish("high", { flowId: "f", executionId: "strange", flowData: UNKNOWN_TYPE });
  expect(await cluster.result("strange")).toMatchObject({ status: "failed", reason: "invalid" });
});

test("the same executionId published twice runs once, and both messages leave the lane", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const message = { flowId: "noop", executionId: "twice", flowData: NOOP_FLOW };
  await cluster.publish("normal", message);
  await cluster.result("twice");
  await cluster.publish("normal", { ...message, inputs: "again" });
  await cluster.publish("normal", { ...message, executionId: "fence" });
  await cluster.result("fence");
  const { jsm, names } = cluster.bus;
  const left = async () =>
    (await jsm.consumers.info(names.streams.flows.normal, "dispatch")).num_ack_pending;
  await expect.poll(left, { timeout: 10_000 }).toBe(0);
  const twice = cluster.results.bodies.filter(({ executionId }) => executionId === "twice");
  expect(twice).toHaveLength(1);
  expect(cluster.deadLetters.bodies).toEqual([]);
});

test("a worker that registers, beats or reports nonsense is refused and nothing falls over", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const { nc, names } = cluster.bus;
  const reply = await nc.request(names.register("evil"), JSON.stringify({ workerId: "other" }), {
    timeout: 5_000,
  });
  expect(reply.json()).toMatchObject({
    accepted: false,
    reason: expect.stringContaining("/incarnation"),
  });
  for (const text of ["", "{", "null", '{"workerId":"evil","seq":-1}', "x".repeat(100_000)]) {
    nc.publish(names.heartbeat("evil"), text);
    nc.publish(names.done("evil"), text);
    nc.publish(names.bye("evil"), text);
    nc.publish(names.control("some-execution"), text);
  }
  await cluster.worker("w1");
  await cluster.publish("normal", { flowId: "noop", executionId: "fine", flowData: NOOP_FLOW });
  expect(await cluster.result("fine")).toMatchObject({ status: "completed" });
});

test("headers that cannot be read, and huge ones, cost the publisher its flow and nobody else", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const { names } = cluster.bus;
  const body = JSON.stringify({ flowId: "noop", executionId: "odd", flowData: NOOP_FLOW });
  const subject = names.execute("normal");
  await rawPublish(subject, "NATS/1.0\r\ntrace parent: x\r\n\r\n", body);
  await rawPublish(subject, `NATS/1.0\r\nx-large: ${"y".repeat(40_000)}\r\n\r\n`, body);
  await cluster.publish("normal", {
    flowId: "noop",
    executionId: "behind",
    flowData: NOOP_FLOW,
  });
  expect(await cluster.result("behind")).toMatchObject({ status: "completed" });
  const letters = await cluster.deadLetters.count(2);
  expect(letters.map(({ reason }) => reason).sort()).toEqual(["invalid", "too_large"]);
});

test("a cancel with a reason of a megabyte, and answers that are no JSON, bring nothing down", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const { nc, names } = cluster.bus;
  const reason = "r".repeat(900_000);
  const reply = await nc.request(
    names.control("nobody"),
    JSON.stringify({ action: "cancel", reason }),
    { timeout: 10_000 },
  );
  expect(reply.json()).toMatchObject({ cancelled: false, reason: "unknown" });
  await cluster.worker("w1");
  nc.subscribe(names.ping("w1"), {
    callback: (_, msg) => {
      msg.respond("pong");
    },
  });
  await cluster.publish("low", { flowId: "noop", executionId: "fine", flowData: NOOP_FLOW });
  expect(await cluster.result("fine")).toMatchObject({ status: "completed" });
});

/** A header block that no client library would send. */
async function rawPublish(subject: string, headers: string, body: string): Promise<void> {
  const { hostname, port } = new URL(nats.url);
  const socket = createConnection(Number(port), hostname);
  const total = Buffer.byteLength(headers) + Buffer.byteLength(body);
  const done = new Promise<void>((resolve, reject) => {
    let heard = "";
    socket.on("error", reject).on("data", (chunk) => {
      heard += String(chunk);
      if (heard.includes("PONG")) resolve();
    });
  });
  socket.write('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n');
  socket.write(
    `HPUB ${subject} ${Buffer.byteLength(headers)} ${total}\r\n${headers}${body}\r\nPING\r\n`,
  );
  await done;
  socket.destroy();
}
