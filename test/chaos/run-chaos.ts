import { setTimeout as pause } from "node:timers/promises";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { publishStored } from "../../src/bus/publish.ts";
import { BatutaError } from "../../src/domain/errors.ts";
import { LANES } from "../../src/domain/lane.ts";
import type { FlowEvent } from "../../src/messages/flow-event.ts";
import type { ExecutionResult } from "../../src/messages/result.ts";
import { DISPATCH_CONSUMER, HEADERS } from "../../src/messages/subjects.ts";
import type { DoneMessage, WorkerStateEvent } from "../../src/messages/worker.ts";
import type { NatsServer } from "../../src/nats-server/start.ts";
import type { CutNetwork } from "../support/cut-network.ts";
import { type Verdict, verdictOf } from "./ledger.ts";
import { MoveWatch } from "./moves.ts";
import { type ChaosPlan, type FlowKind, type PlanOptions, planChaos } from "./plan.ts";
import { Stage } from "./stage.ts";

export interface ChaosOptions extends PlanOptions {
  readonly workers: number;
  /** What the processes reach the server by; the server has to listen on its host. */
  readonly network: CutNetwork;
  /** Called with a line for each thing that happens. */
  readonly tell: (line: string) => void;
  /** Settings of the processes beside the defaults of the product. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ChaosReport {
  readonly verdict: Verdict;
  readonly watch: MoveWatch;
  /** Messages of a lane that are still to be delivered or acked. */
  readonly left: number;
  /** Messages that were acked and are in a lane again, as the server was killed. */
  readonly back: number;
  /** How processes were cut off. */
  readonly cuts: string;
}

/** Nothing has ended for so long: what is missing then is lost. Longer than ack_wait. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 250;

/**
 * Publishes executions while processes are killed, frozen and cut off by plan, waits until all have ended,
 * and compares what was accepted with what the result stream holds.
 */
export async function runChaos(server: NatsServer, options: ChaosOptions): Promise<ChaosReport> {
  const plan = planChaos(options);
  const watch = new MoveWatch();
  const env = { BATUTA_HTTP_ENABLED: "false", ...options.env };
  await using bus = await connectBus({ url: server.url, name: "chaos" });
  listen(bus, watch);
  await using stage = await Stage.open({ ...options, server, watch, env });
  await stage.ready();
  const startedAt = performance.now();
  const hurting = plan.faults.map(async (fault) => {
    await pause(Math.max(0, fault.atMs - (performance.now() - startedAt)));
    options.tell(`${(fault.atMs / 1_000).toFixed(1)} s: ${await stage.inflict(fault)}`);
  });
  const accepted = await publishAll(bus, plan, options.durationMs);
  await Promise.all(hurting);
  options.tell(`all faults are over; ${accepted.size} executions were accepted`);
  await settled(bus, accepted.size);
  const { records, stored } = await readResults(bus);
  const verdict = verdictOf(accepted, records, stored);
  if (verdict.lost.length > 0) options.tell(stage.output());
  const left = await leftInLanes(bus);
  return { verdict, watch, left, back: await backInLanes(bus, left), cuts: options.network.way };
}

function listen(bus: Bus, watch: MoveWatch): void {
  const on = <T>(subject: string, hear: (body: T) => void) =>
    bus.nc.subscribe(subject, {
      callback: (error, msg) => (error === null ? hear(msg.json<T>()) : undefined),
    });
  on<FlowEvent>(bus.names.event("*", "*"), (event) => watch.event(event));
  on<WorkerStateEvent>(bus.names.workerState("*"), (event) => watch.state(event));
  on<DoneMessage>(bus.names.done("*"), (done) => watch.done(done));
}

/** Evenly over the time. An execution counts as accepted once the stream has said so. */
async function publishAll(bus: Bus, { flows }: ChaosPlan, durationMs: number) {
  const accepted = new Map<string, FlowKind>();
  const startedAt = performance.now();
  await Promise.all(
    flows.map(async (flow, index) => {
      await pause((index / flows.length) * durationMs - (performance.now() - startedAt));
      const executionId = `chaos-${index}`;
      await publishOne(bus, executionId, flow, index);
      accepted.set(executionId, flow);
    }),
  );
  return accepted;
}

async function publishOne(bus: Bus, executionId: string, flow: FlowKind, index: number) {
  const lane = LANES[index % LANES.length] ?? "normal";
  const body = { flowId: "chaos", executionId, flowData: flowData(flow), maxAttempts: 5 };
  const head = [[HEADERS.messageId, executionId]] as const;
  for (;;) {
    try {
      await publishStored(bus, bus.names.execute(lane), JSON.stringify(body), head);
      return;
    } catch (error) {
      // Published again under the same message id, as a client would.
      if (!(error instanceof BatutaError) || !error.retryable) throw error;
    }
  }
}

function flowData(flow: FlowKind): object {
  const node =
    flow.type === "noop"
      ? { id: "n", type: "noop" }
      : flow.type === "slow"
        ? { id: "n", type: "delay", config: { delayMs: flow.delayMs } }
        : { id: "n", type: "fail", config: { code: "BOOM", message: "by plan", ...retry(flow) } };
  return { name: "chaos", version: 1, nodes: [node], connections: [] };
}

function retry({ retryable }: Extract<FlowKind, { type: "failing" }>) {
  return { retryable };
}

/** Resolves when as many have ended as were accepted, or when nothing has ended for a minute. */
async function settled(bus: Bus, wanted: number): Promise<void> {
  let ended = -1;
  let since = performance.now();
  while (performance.now() - since < PATIENCE_MS) {
    const { state } = await bus.jsm.streams.info(bus.names.streams.results);
    if (state.messages >= wanted && (await leftInLanes(bus)) === 0) return;
    if (state.messages !== ended) since = performance.now();
    ended = state.messages;
    await pause(LOOK_MS);
  }
}

/** All terminal records, and how many the stream has ever stored: one for each if none was replaced. */
async function readResults(bus: Bus): Promise<{ records: ExecutionResult[]; stored: number }> {
  const { streams } = bus.names;
  const { state } = await bus.jsm.streams.info(streams.results);
  const records: ExecutionResult[] = [];
  if (state.messages === 0) return { records, stored: state.last_seq };
  const consumer = await bus.js.consumers.get(streams.results);
  for await (const message of await consumer.consume()) {
    records.push(message.json<ExecutionResult>());
    if (message.info.pending === 0) break;
  }
  return { records, stored: state.last_seq };
}

/**
 * Messages that are still to be delivered or acked. Not what a stream holds: after kill -9 a nats-server
 * 2.9 has messages again that were acked, below the ack floor of the consumer, and delivers them to nobody.
 */
async function leftInLanes(bus: Bus): Promise<number> {
  const { streams } = bus.names;
  const infos = await Promise.all(
    LANES.map((lane) => bus.jsm.consumers.info(streams.flows[lane], DISPATCH_CONSUMER)),
  );
  return infos.reduce((sum, info) => sum + info.num_pending + info.num_ack_pending, 0);
}

/** Those that are back though they were acked. */
async function backInLanes(bus: Bus, left: number): Promise<number> {
  const infos = await Promise.all(
    LANES.map((lane) => bus.jsm.streams.info(bus.names.streams.flows[lane])),
  );
  return infos.reduce((sum, { state }) => sum + state.messages, 0) - left;
}
