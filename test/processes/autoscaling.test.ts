import { expect, onTestFinished, type TestContext, test } from "vitest";
import { connectBus } from "../../src/bus/connect.ts";
import { ScalingWishes } from "../../src/bus/scaling-wishes.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import type { DecisionDraft } from "../../src/messages/decision.ts";
import { Fleet } from "../../src/processes/fleet.ts";
import { Autoscaling } from "../../src/processes/scaling/autoscaling.ts";
import type {
  ProvisionedWorker,
  Provisioner,
  WorkerExit,
} from "../../src/provisioners/provisioner.ts";
import { POLICY } from "../domain/scaling-fixtures.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();
const quiet = () => {};

/** Things that come one by one, to be waited for. */
class Told<T> {
  readonly all: T[] = [];
  #waiting: (() => void)[] = [];

  readonly tell = (what: T): void => {
    this.all.push(what);
    for (const go of this.#waiting.splice(0)) go();
  };

  async until(isEnough: (all: readonly T[]) => boolean): Promise<readonly T[]> {
    while (!isEnough(this.all)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.all;
  }
}

/** A provisioner of workers that never get as far as to register. */
class Boxes implements Provisioner {
  readonly kind = "docker";
  readonly advisory = false;
  readonly listed = new Told<AbortSignal>();
  readonly started = new Told<number>();
  workers: ProvisionedWorker[] = [];
  /** What a list waits for, and what a start does. */
  gate: Promise<void> = Promise.resolve();
  startGate: Promise<void> = Promise.resolve();
  #exited: (exit: WorkerExit) => void = quiet;
  #made = 0;

  constructor(count: number, ageMs = 0) {
    this.#make(count, ageMs);
  }

  async list(signal: AbortSignal): Promise<readonly ProvisionedWorker[]> {
    this.listed.tell(signal);
    await this.gate;
    return [...this.workers];
  }

  async start(count: number): Promise<void> {
    this.started.tell(count);
    await this.startGate;
    this.#make(count);
  }

  async retire(): Promise<void> {}

  onExit(listener: (exit: WorkerExit) => void): () => void {
    this.#exited = listener;
    return quiet;
  }

  dies(workerId: string): void {
    this.workers = this.workers.filter((worker) => worker.workerId !== workerId);
    const how = "signal SIGKILL";
    this.#exited({ workerId, code: null, signal: "SIGKILL", how, expected: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #make(count: number, ageMs = 0): void {
    for (let each = 0; each < count; each += 1) {
      this.#made += 1;
      const workerId = `box-${this.#made}`;
      const startedAt = Date.now() - ageMs;
      const worker = { workerId, handle: workerId, leaving: false, startedAt };
      this.workers.push(worker);
    }
  }
}

async function setUp(task: TestContext["task"], boxes: Boxes, enabled = true) {
  const bus = await connectBus({ url: nats.url, prefix: testPrefix(task), name: "autoscaling" });
  onTestFinished(() => bus.close());
  await ensureTopology(bus);
  const kernel = new Kernel({});
  onTestFinished(() => kernel.stopAll());
  const fleet = new Fleet({
    kernel,
    now: Date.now,
    inFlightOf: () => 0,
    assignedBefore: () => [],
    notHeld: quiet,
    drainTimeoutMs: 1_000,
    doubt: quiet,
    freeze: () => undefined,
    direct: async () => false,
    heartbeatIntervalMs: 1_000,
    announce: quiet,
    redistribute: quiet,
    sendDrain: quiet,
    stranger: quiet,
    outdated: quiet,
    refused: quiet,
    escalated: quiet,
    fault: quiet,
  });
  const decisions = new Told<DecisionDraft>();
  const warned = new Told<object>();
  const log = { debug: quiet, info: quiet, warn: warned.tell, error: quiet };
  const scaling = new Autoscaling({
    provisioner: boxes,
    policy: POLICY,
    enabled,
    evaluationIntervalMs: 60_000,
    startupTimeoutMs: 60_000,
    bus,
    kernel,
    fleet,
    wishes: await ScalingWishes.open(bus),
    drainTimeoutMs: 1_000,
    capacityLimit: 0.8,
    unplaceable: () => 0,
    doubt: () => undefined,
    decisions: { record: decisions.tell },
    looked: quiet,
    log,
    fault: quiet,
  });
  onTestFinished(() => scaling.stop());
  return { bus, scaling, decisions, warned };
}

test("what is decided after the lease is gone is neither taken down nor done", async ({ task }) => {
  const boxes = new Boxes(0);
  let open = quiet;
  boxes.gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { scaling, decisions } = await setUp(task, boxes);
  await scaling.lead();
  const [signal] = await boxes.listed.until((all) => all.length === 1);
  scaling.follow();
  expect(String(signal?.reason)).toContain("this orchestrator leads no more");
  open();
  // The next term has its own look, and decides once.
  await scaling.lead();
  await boxes.started.until((all) => all.length > 0);
  await scaling.change({ mode: "paused" });
  await decisions.until((all) => all.some(({ reasons }) => reasons[0] === "paused by an operator"));
  expect(decisions.all.map(({ reasons }) => reasons.join())).toEqual([
    "0 workers, at least 2",
    "paused by an operator",
  ]);
  expect(boxes.started.all).toEqual([2]);
});

test("a worker that ends soon after a change of leaders is replaced, as before it", async ({
  task,
}) => {
  const boxes = new Boxes(4);
  const { scaling, decisions } = await setUp(task, boxes);
  await scaling.lead();
  await decisions.until((all) => all.length === 1);
  boxes.dies("box-2");
  expect(await boxes.started.until((all) => all.length > 0)).toEqual([1]);
});

test("people who change different things at the same time both get what they want", async ({
  task,
}) => {
  const { scaling } = await setUp(task, new Boxes(2));
  await scaling.lead();
  await Promise.all([scaling.change({ minWorkers: 3 }), scaling.change({ maxWorkers: 9 })]);
  expect(scaling.view).toMatchObject({ minWorkers: 3, maxWorkers: 9 });
});

test("switched off, scaling keeps those that there are and heeds a person", async ({ task }) => {
  const boxes = new Boxes(5);
  const { scaling, decisions } = await setUp(task, boxes, false);
  await scaling.lead();
  const [first] = await decisions.until((all) => all.length === 1);
  expect(first?.choice).toMatchObject({ action: "hold", desired: 5 });
  await scaling.change({ mode: "paused" });
  expect(scaling.view.mode).toBe("paused");
});

test("what somebody put into the bucket by hand and nobody can read does not stop scaling", async ({
  task,
}) => {
  const { bus, scaling, decisions } = await setUp(task, new Boxes(0));
  const kept = await bus.kvm.open(bus.names.buckets.config);
  await kept.put("scaling", "pause, please");
  await scaling.lead();
  await decisions.until((all) => all.length === 1);
  expect(scaling.view.wish.reason).toContain("cannot be read");
});

test("a worker that crashes while others are being started does not have them started once more", async ({
  task,
}) => {
  const boxes = new Boxes(0);
  let open = quiet;
  boxes.startGate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { scaling, warned } = await setUp(task, boxes);
  await scaling.lead();
  await boxes.started.until((all) => all.length === 1);
  boxes.dies("another");
  await warned.until((all) => all.length === 1);
  // Two ways to the server and back: it would have decided anew by then.
  await scaling.change({ reason: "first" });
  await scaling.change({ reason: "second" });
  open();
  await boxes.listed.until((all) => all.length >= 3);
  await scaling.change({ mode: "paused" });
  expect(boxes.started.all).toEqual([2]);
  expect(boxes.workers).toHaveLength(2);
});

test("that a worker is given up is told", async ({ task }) => {
  const { scaling, warned } = await setUp(task, new Boxes(1, 60_001));
  await scaling.lead();
  expect(await warned.until((all) => all.length > 0)).toEqual([
    { why: "worker box-1 did not register within 60 s" },
  ]);
});
