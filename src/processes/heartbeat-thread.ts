import { parentPort, workerData } from "node:worker_threads";
import { extend } from "../bus/ack.ts";
import { type Bus, connectBus } from "../bus/connect.ts";
import type { Heartbeat } from "../messages/worker.ts";
import {
  BeatState,
  type BeatThreadSettings,
  type Draining,
  type LongTask,
  type ToBeatThread,
} from "./beat-state.ts";
import { composeBeat, type ResourceSample } from "./compose-beat.ts";

/**
 * The entry point of a worker's heartbeat thread. It has a connection of its own and never runs a
 * node, so that "the event loop is blocked" and "the process is dead" are different facts, and a
 * blocked loop does not cost the worker its tasks.
 */

/** A worker has to beat twice before it gets work: one that is new does not wait a whole turn for that. */
const PROOF_MS = 500;

const settings = workerData as BeatThreadSettings;
const state = new BeatState(settings.buffer);
const inFlight = new Map<string, LongTask & { extendedAt: number }>();
let incarnation = settings.incarnation;
let seq = 0;
let drain: Draining | undefined;
let sample: ResourceSample = { cpu: process.cpuUsage(), at: Date.now() };
let timer: NodeJS.Timeout | undefined;

const bus = await connectBus({
  url: settings.natsUrl,
  name: `batuta worker ${settings.workerId} heartbeat`,
  prefix: settings.prefix,
});
parentPort?.on("message", (message: ToBeatThread) => receive(message, bus));
parentPort?.postMessage("ready");
beat(bus, Math.min(PROOF_MS, settings.intervalMs));
const extender = setInterval(
  () => extendDue(bus, Date.now()),
  Math.min(1_000, settings.ackWaitMs / 6),
);

function receive(message: ToBeatThread, bus: Bus): void {
  switch (message.type) {
    case "incarnation":
      incarnation = message.incarnation;
      seq = 0;
      break;
    case "took":
      for (const task of message.tasks)
        inFlight.set(task.executionId, { ...task, extendedAt: Date.now() });
      break;
    case "dropped":
      for (const executionId of message.executionIds) inFlight.delete(executionId);
      break;
    case "drains":
      drain = message;
      break;
    case "beat":
      beat(bus);
      break;
    case "stop":
      void stop(bus);
      break;
  }
}

/** The next one comes after `nextMs`. */
function beat(bus: Bus, nextMs = turnMs()): void {
  clearTimeout(timer);
  const now = Date.now();
  const previous = sample;
  sample = { cpu: process.cpuUsage(), at: now };
  const body: Heartbeat = composeBeat(settings, state, [...inFlight.values()], previous, sample, {
    incarnation,
    seq,
    rssBytes: process.memoryUsage.rss(),
    drain,
  });
  seq += 1;
  bus.nc.publish(bus.names.heartbeat(settings.workerId), JSON.stringify(body));
  timer = setTimeout(() => beat(bus), nextMs);
}

/** +-10 %: a fleet that was started at once must not beat in step. */
function turnMs(): number {
  return settings.intervalMs * (0.9 + Math.random() * 0.2);
}

/** Every third of ack_wait, so that one lost extension does not cost the task. */
function extendDue(bus: Bus, now: number): void {
  for (const task of inFlight.values()) {
    if (now - task.extendedAt < settings.ackWaitMs / 3) continue;
    task.extendedAt = now;
    extend(bus, task.ackSubject);
  }
}

async function stop(bus: Bus): Promise<void> {
  clearTimeout(timer);
  clearInterval(extender);
  await bus.close();
  parentPort?.close();
}
