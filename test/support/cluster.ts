import { expect, onTestFailed, onTestFinished, type TestContext } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { publishStored } from "../../src/bus/publish.ts";
import type { Lane } from "../../src/domain/lane.ts";
import type { FlowEvent } from "../../src/messages/flow-event.ts";
import type { DeadLetter, ExecutionResult } from "../../src/messages/result.ts";
import { DISPATCH_CONSUMER, HEADERS } from "../../src/messages/subjects.ts";
import type { WorkerStateEvent } from "../../src/messages/worker.ts";
import { Child } from "./child.ts";
import type { Link } from "./cut-network.ts";
import { type TestNats, testPrefix } from "./nats.ts";
import { Recording } from "./record.ts";

type Env = Readonly<Record<string, string>>;

export const NOOP_FLOW = {
  name: "noop",
  version: 1,
  nodes: [{ id: "only", type: "noop" }],
  connections: [],
};

/** A flow that takes `delayMs`. */
export function slowFlow(delayMs: number) {
  const nodes = [{ id: "wait", type: "delay", config: { delayMs } }];
  return { name: "slow", version: 1, nodes, connections: [] };
}

/** Orchestrators and workers as processes of their own, on streams of this test alone. */
export class Cluster {
  readonly bus: Bus;
  readonly results: Recording<ExecutionResult>;
  readonly states: Recording<WorkerStateEvent>;
  readonly events: Recording<FlowEvent>;
  readonly deadLetters: Recording<DeadLetter>;
  readonly env: Env;
  #firstOrchestrator: Child | undefined;

  private constructor(bus: Bus, env: Env) {
    this.bus = bus;
    this.env = env;
    const { nc, names } = bus;
    this.results = new Recording(nc, names.result("*"));
    this.states = new Recording(nc, names.workerState("*"));
    this.events = new Recording(nc, names.event("*", "*"));
    this.deadLetters = new Recording(nc, names.dead("high", "*").replace(".high.", ".*."));
  }

  /** Connected, with an orchestrator that serves, unless it is to be empty. Everything ends with the test. */
  static async start(
    task: TestContext["task"],
    nats: Pick<TestNats, "url">,
    env: Env = {},
    { isEmpty = false }: { readonly isEmpty?: boolean } = {},
  ): Promise<Cluster> {
    const prefix = testPrefix(task);
    const bus = await connectBus({ url: nats.url, prefix, name: `test ${prefix}` });
    onTestFinished(() => bus.close());
    const settings = {
      BATUTA_NATS_URL: nats.url,
      BATUTA_SUBJECT_PREFIX: prefix,
      BATUTA_HTTP_ENABLED: "false",
      BATUTA_WORKER_HEARTBEAT_INTERVAL: "400ms",
      ...env,
    };
    const cluster = new Cluster(bus, settings);
    if (!isEmpty) cluster.#firstOrchestrator = await cluster.orchestrator();
    return cluster;
  }

  /** The orchestrator that was started with the cluster. */
  get firstOrchestrator(): Child {
    if (this.#firstOrchestrator === undefined) throw new Error("the cluster has not started");
    return this.#firstOrchestrator;
  }

  /** One more orchestrator, once it serves. */
  async orchestrator(env: Env = {}, link?: Link): Promise<Child> {
    const child = this.child(["run"], env, link);
    await child.says(/orchestrator running/);
    return child;
  }

  /** A worker, once it is healthy. */
  async worker(workerId: string, env: Env = {}, link?: Link): Promise<Child> {
    const child = this.child(["worker"], { BATUTA_WORKER_ID: workerId, ...env }, link);
    await this.states.first((event) => event.workerId === workerId && event.to === "healthy");
    return child;
  }

  /** A process; behind a link that can be cut, if one is given. */
  child(args: readonly string[], env: Env = {}, link?: Link): Child {
    const address: Env = link === undefined ? {} : { BATUTA_NATS_URL: link.url };
    const child = new Child(args, { ...this.env, ...address, ...env }, link?.launcher);
    onTestFinished(() => child[Symbol.asyncDispose]());
    // Without this a failure tells what was missed but not why.
    onTestFailed(
      () =>
        void process.stderr.write(
          `batuta ${args.join(" ")} said:\n${child.output.slice(-8_000)}\n`,
        ),
    );
    return child;
  }

  /** Publishes a message as any NATS client would; resolves once it is stored. */
  async publish(lane: Lane, body: unknown, messageId?: string): Promise<{ readonly seq: number }> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const data = new TextEncoder().encode(text);
    const head = messageId === undefined ? [] : [[HEADERS.messageId, messageId] as const];
    return publishStored(this.bus, this.bus.names.execute(lane), data, head);
  }

  /** Resolves once no message of the lane waits or is in flight. */
  async drained(lane: Lane = "normal"): Promise<void> {
    const { jsm, names } = this.bus;
    const left = async () => {
      const info = await jsm.consumers.info(names.streams.flows[lane], DISPATCH_CONSUMER);
      return info.num_ack_pending + info.num_pending;
    };
    await expect.poll(left, { timeout: 10_000 }).toBe(0);
  }

  /** The result of one execution, as soon as it is there. */
  result(executionId: string): Promise<ExecutionResult> {
    return this.results.first((result) => result.executionId === executionId);
  }
}
