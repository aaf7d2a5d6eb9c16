import { expect, onTestFinished, test } from "vitest";
import { Assignments } from "../../src/bus/assignments.ts";
import { connectBus } from "../../src/bus/connect.ts";
import type { ExecutionMemory, ExecutionStore } from "../../src/bus/executions.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import { NO_RECORD } from "../../src/messages/decision.ts";
import { Placements } from "../../src/processes/decisions/placements.ts";
import { Dispatcher } from "../../src/processes/dispatcher.ts";
import { NOOP_FLOW } from "../support/cluster.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

test("a message that is looked up before it is placed counts as held until that is done", async ({
  task,
}) => {
  const bus = await connectBus({ url: nats.url, prefix: testPrefix(task), name: "test" });
  onTestFinished(() => bus.close());
  await ensureTopology(bus);
  let answer = (_: ExecutionMemory) => {};
  const history = new Promise<ExecutionMemory>((resolve) => {
    answer = resolve;
  });
  let settled = () => {};
  const isOver = new Promise<void>((resolve) => {
    settled = resolve;
  });
  const dispatcher = new Dispatcher({
    bus,
    assignments: new Assignments(bus, { refused: () => {}, gone: () => {} }),
    executions: { read: () => history } as unknown as ExecutionStore,
    candidates: () => [],
    recipient: () => undefined,
    needsOf: () => ({ nodeTypes: ["noop"], pure: true, problems: [] }),
    balancing: { strategy: "round_robin", capacityLimit: 0.8 },
    maxAttempts: 5,
    maxPayloadBytes: 1_000_000,
    unplaceableTimeoutMs: 60_000,
    endedRecently: () => false,
    pauses: { has: () => false, holdBack: () => {}, ended: () => {} },
    booked: () => {},
    now: () => Date.now(),
    decisions: NO_RECORD,
    placements: new Placements({
      decisions: NO_RECORD,
      balancing: { strategy: "round_robin", capacityLimit: 0.8 },
      sampleShare: 0,
      random: () => 0,
      now: () => 0,
    }),
    fault: () => {},
    settled,
  });
  const body = { flowId: "f", executionId: "known", flowData: NOOP_FLOW };
  const stream = bus.names.streams.flows.normal;
  dispatcher.dispatch({
    lane: "normal",
    stream,
    sequence: 7,
    deliveryCount: 2,
    storedAt: Date.now(),
    ackSubject: `$JS.ACK.${stream}.dispatch.2.7.9.0.0`,
    data: new TextEncoder().encode(JSON.stringify(body)),
    headers: [],
  });
  expect(dispatcher.ponderedOf("normal")).toEqual([7]);
  expect(dispatcher.ponderedOf("high")).toEqual([]);
  answer({ attempts: [] });
  await isOver;
  expect(dispatcher.ponderedOf("normal")).toEqual([]);
});
