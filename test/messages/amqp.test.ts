import { describe, expect, test } from "vitest";
import { nestAnswer, nestEnvelopeOf } from "../../src/messages/amqp-envelope.ts";
import { type AmqpProperties, readFlow } from "../../src/messages/amqp-inbound.ts";
import { amqpNames } from "../../src/messages/amqp-names.ts";
import { deadFlow, flowEvent, flowReply, taskFor } from "../../src/messages/amqp-outbound.ts";
import {
  type AmqpTask,
  manifestOfAmqp,
  readWorkerMessage,
} from "../../src/messages/amqp-worker.ts";
import type { DeadLetter, ExecutionResult } from "../../src/messages/result.ts";

const NOW = Date.parse("2026-01-01T00:00:00.000Z");
const FLOW_DATA = { name: "f", version: 1, nodes: [{ id: "n", type: "noop" }], connections: [] };
const FLOW = { flowId: "f", executionId: "e-1", flowData: FLOW_DATA };
const utf8 = new TextDecoder();

function read(body: unknown, properties: AmqpProperties = {}, maxBytes = 100_000) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const delivery = { lane: "normal", body: new TextEncoder().encode(text), properties } as const;
  return readFlow(delivery, { now: NOW, maxBytes });
}

function flowOf(body: unknown, properties: AmqpProperties = {}) {
  const inbound = read(body, properties);
  if (inbound.type === "dead") throw new Error(`${inbound.reason}: ${inbound.error}`);
  return {
    ...inbound,
    text: utf8.decode(inbound.body),
    names: Object.fromEntries(inbound.headers),
  };
}

describe("a flow that comes in", () => {
  test("keeps its bytes, whatever their form", () => {
    const text = `{"flowId":"f", "inputs":{"n":12345678901234567890},"flowData":${JSON.stringify(FLOW_DATA)}}`;
    expect(flowOf(text).text).toBe(text);
  });

  test.each([
    [{ messageId: "m-1" }, FLOW, "m-1"],
    [{ headers: { "x-message-id": "h-1" } }, FLOW, "h-1"],
    [{ messageId: "m-1", headers: { "x-message-id": "h-1" } }, FLOW, "m-1"],
    [{}, FLOW, "e-1"],
    [{}, { ...FLOW, executionId: undefined }, undefined],
  ])(
    "is known by its message id, else a header, else its execution id: %j",
    (properties, body, id) => {
      expect(flowOf(body, properties).names["Nats-Msg-Id"]).toBe(id);
    },
  );

  test("brings its trace and its headers, and nothing that breaks those of NATS", () => {
    const { names } = flowOf(FLOW, {
      correlationId: "c",
      appId: "shop",
      timestamp: 1_700_000_000,
      headers: {
        traceparent: "00-1-2-01",
        tenant: "ä\r\nX: y",
        "odd name%": 1,
        "a: b": "c",
        table: { a: 1 },
        big: "x".repeat(20_000),
      },
    });
    expect(names).toMatchObject({
      "Amqp-Correlation-Id": "c",
      "Amqp-App-Id": "shop",
      "Amqp-Timestamp": "1700000000",
      traceparent: "00-1-2-01",
      "Amqp-H-tenant": "%C3%A4%0D%0AX: y",
      "Amqp-H-a%3A%20b": "c",
    });
    expect(Object.keys(names)).not.toContain("Amqp-H-table");
    expect(JSON.stringify(names).length).toBeLessThan(13_000);
  });

  test("that is wrapped by NestJS is unwrapped, and its pattern may name the lane", () => {
    const event = flowOf({ pattern: "flow.execute.high", data: FLOW });
    expect([event.lane, JSON.parse(event.text), event.request]).toEqual(["high", FLOW, undefined]);
    const asked = { pattern: { cmd: "execute" }, data: FLOW, id: "r-1" };
    const request = flowOf(asked, { replyTo: "q", correlationId: "r-1" });
    expect(request.lane).toBe("normal");
    expect(request.request).toEqual({ id: "r-1", to: "q", correlationId: "r-1" });
    expect(request.reply).toBeUndefined();
  });

  test("is no envelope because it has fields of those names", () => {
    const inbound = flowOf({ ...FLOW, pattern: "x", data: 1 });
    expect(inbound.executionId).toBe("e-1");
  });

  test("wants its result where it says", () => {
    expect(flowOf(FLOW, { replyTo: "q", correlationId: "c" }).reply).toEqual({
      to: "q",
      correlationId: "c",
    });
  });

  test("that was dead once tells why, where and how often, of its last death", () => {
    const deaths = [
      { reason: "expired", queue: "old.q", count: 3, time: 1 },
      { reason: "rejected", queue: "older.q", count: 1 },
    ];
    expect(flowOf(FLOW, { headers: { "x-death": deaths } }).names).toMatchObject({
      "Batuta-Death-Reason": "expired",
      "Batuta-Death-Queue": "old.q",
      "Batuta-Death-Count": "3",
    });
    for (const odd of [[], [null], ["x"], "x", 3, {}])
      expect(Object.keys(flowOf(FLOW, { headers: { "x-death": odd } }).names).join()).not.toContain(
        "Batuta-Death",
      );
  });

  test("that expires comes with the time, and keeps its bytes", () => {
    const timed = flowOf(FLOW, { expiration: "5000", timestamp: NOW / 1_000 - 2 });
    expect(timed.names["Batuta-Deadline"]).toBe(String(Date.parse("2026-01-01T00:00:03.000Z")));
    expect(timed.text).toBe(JSON.stringify(FLOW));
    expect(read(FLOW, { expiration: "1000", timestamp: NOW / 1_000 - 2 })).toMatchObject({
      type: "dead",
      reason: "expired",
    });
    for (const expiration of ["", "soon", "-1"])
      expect(flowOf(FLOW, { expiration }).names["Batuta-Deadline"]).toBeUndefined();
  });
});

describe("what is no flow is dead", () => {
  test.each([
    ["invalid_json", "{", {}],
    ["invalid_json", "", {}],
    ["schema", "[]", {}],
    ["schema", { executionId: "e" }, {}],
    ["schema", { pattern: "flow.execute", data: { flowId: 1 } }, {}],
    ["unknown_pattern", { pattern: "x", data: FLOW }, {}],
    ["unsupported_content_type", FLOW, { contentType: "text/plain" }],
  ])("%s", (reason, body, properties) => {
    expect(read(body, properties)).toMatchObject({ type: "dead", reason });
  });

  test("what is too large is not even read", () => {
    expect(read(FLOW, {}, 10)).toMatchObject({ type: "dead", reason: "too_large" });
  });

  test("whoever asked is known, so that it can be told", () => {
    const asked = read({ pattern: "x", data: {}, id: "r" }, { replyTo: "q" });
    expect(asked).toMatchObject({ type: "dead", request: { id: "r", to: "q" } });
  });

  test("a content type may have parameters", () => {
    expect(flowOf(FLOW, { contentType: "application/json; charset=utf-8" }).lane).toBe("normal");
  });
});

test("an object pattern is the same in any order", () => {
  const one = nestEnvelopeOf({ pattern: { a: 1, b: 2 }, data: 0 });
  const other = nestEnvelopeOf({ pattern: { b: 2, a: 1 }, data: 0 });
  expect(one?.pattern).toBe(other?.pattern);
  for (const none of [null, 7, [], { pattern: "x" }, { pattern: ["x"], data: 1 }])
    expect(nestEnvelopeOf(none)).toBeUndefined();
});

test("an answer is what NestJS takes for one", () => {
  expect(JSON.parse(nestAnswer("i", { response: 1 }))).toEqual({
    id: "i",
    response: 1,
    isDisposed: true,
  });
});

describe("what goes out", () => {
  const names = amqpNames("acme");
  const result = { executionId: "e-1", status: "completed" } as ExecutionResult;

  test("an event is for whoever listens: nobody has to", () => {
    expect(flowEvent(names, result, "S:1")).toMatchObject({
      exchange: "acme.events",
      routingKey: "flow.completed.e-1",
      messageId: "S:1",
      mandatory: false,
    });
  });

  test("a reply has to arrive, but over direct reply-to nobody can tell", () => {
    expect(flowReply("q", undefined, result, "S:1")).toMatchObject({
      exchange: "",
      routingKey: "q",
      correlationId: "e-1",
      mandatory: true,
    });
    expect(flowReply("amq.rabbitmq.reply-to.x", "c", result, "S:1").mandatory).toBe(false);
  });

  test("a dead flow is what was published, text, bytes or the name of what was too large", () => {
    const letter = (message: object) =>
      ({
        executionId: "e-1",
        lane: "high",
        reason: "invalid",
        error: { code: "INVALID", message: "x".repeat(2_000) },
        message,
      }) as unknown as DeadLetter;
    const text = deadFlow(names, letter({ data: { a: 1 } }), "S:1");
    expect(text).toMatchObject({ exchange: "acme.dlx", body: '{"a":1}', mandatory: true });
    expect(text.headers?.["x-batuta-error"]?.length).toBeLessThan(1_100);
    const bytes = deadFlow(names, letter({ dataBase64: "e3Rvcm4=" }), "S:1");
    expect(utf8.decode(bytes.body as Uint8Array)).toBe("{torn");
    expect(deadFlow(names, letter({ blob: "b-1" }), "S:1").body).toBe('{"blob":"b-1"}');
  });
});

describe("what workers send", () => {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const REGISTRATION = {
    workerId: "old-1",
    capacity: { maxConcurrentTasks: 4, cpuCores: 2 },
    supportedNodeTypes: ["noop"],
  };

  test("either of the seed's names for a capacity counts, and what is missing has a default", () => {
    const registration = readWorkerMessage("registration", bytes(REGISTRATION));
    expect(manifestOfAmqp(registration)).toEqual({
      supportedNodeTypes: ["noop"],
      heartbeatIntervalMs: 15_000,
      capacity: {
        maxConcurrentFlows: 4,
        maxConcurrentNodes: 10,
        memoryLimitMB: 1_024,
        cpuLimitCores: 2,
      },
    });
  });

  test("it may be wrapped by NestJS", () => {
    const wrapped = bytes({ pattern: "worker.registration", data: REGISTRATION });
    expect(readWorkerMessage("registration", wrapped).workerId).toBe("old-1");
  });

  test.each([
    ["registration", { ...REGISTRATION, workerId: "a b" }],
    ["registration", { ...REGISTRATION, supportedNodeTypes: [] }],
    ["heartbeat", { workerId: "old-1", currentLoad: { activeFlows: -1 } }],
    ["result", { taskId: "t", executionId: "e", workerId: "w", attempt: 0, status: "completed" }],
    ["result", { taskId: "t", executionId: "e", workerId: "w", attempt: 1, status: "well" }],
  ] as const)("a %s that cannot be one is refused: %j", (kind, value) => {
    expect(() => readWorkerMessage(kind, bytes(value))).toThrow(/AMQP/);
  });

  test("a task is published for one worker, wrapped for those who asked for it", () => {
    const task: AmqpTask = {
      taskId: "e-1.1",
      executionId: "e-1",
      flowId: "f",
      priority: "high",
      attempt: 1,
      flowData: {},
      inputs: 1,
      assignedTo: "old-1",
    };
    const names = amqpNames();
    expect(taskFor(names, task, false)).toMatchObject({
      exchange: "batuta",
      routingKey: "task.assign.old-1",
      messageId: "e-1.1",
      mandatory: true,
    });
    expect(JSON.parse(String(taskFor(names, task, true).body))).toEqual({
      pattern: "task.assign.old-1",
      data: task,
    });
  });
});
