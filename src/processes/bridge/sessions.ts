import type { AmqpConnection } from "../../bridge/connection.ts";
import { Inlet, type Source } from "../../bridge/inlet.ts";
import { Publisher } from "../../bridge/publisher.ts";
import {
  type AmqpTopologyOptions,
  emptyTaskQueue,
  ensureAmqpTopology,
  ensureTaskQueue,
  hasTaskQueue,
} from "../../bridge/topology.ts";
import { LANES } from "../../domain/lane.ts";
import type { AmqpNames } from "../../messages/amqp-names.ts";
import { AMQP_WORKER_KINDS } from "../../messages/amqp-worker.ts";
import type { Incoming } from "./incoming.ts";
import type { LinkSession } from "./link.ts";
import type { WorkerDesk } from "./worker-desk.ts";

export interface InSession extends LinkSession {
  readonly inlet: Inlet;
}

export interface OutSession extends LinkSession {
  readonly publisher: Publisher;
  ensureTasks(workerId: string): Promise<void>;
  hasTasks(workerId: string): Promise<boolean>;
  emptyTasks(workerId: string): Promise<void>;
}

/** Takes what comes, once exchanges and queues are there. */
export async function openIn(
  connection: AmqpConnection,
  names: AmqpNames,
  topology: AmqpTopologyOptions,
  { prefetch, sources }: { readonly prefetch: number; readonly sources: readonly Source[] },
): Promise<InSession> {
  await declare(connection, names, topology);
  const inlet = new Inlet(connection, sources);
  await inlet.start(prefetch);
  return { inlet, drain: () => inlet.stop(), end: () => inlet.end() };
}

/** Publishes; `late` is called when the broker owes a confirm for longer than `confirmTimeoutMs`. */
export async function openOut(
  connection: AmqpConnection,
  names: AmqpNames,
  topology: AmqpTopologyOptions,
  {
    confirmTimeoutMs,
    late,
  }: { readonly confirmTimeoutMs: number; readonly late: (reason: string) => void },
): Promise<OutSession> {
  await declare(connection, names, topology);
  const channel = await connection.confirmChannel();
  const publisher = new Publisher(channel, confirmTimeoutMs, late);
  const side = await connection.channel();
  const ensureTasks = (id: string) => ensureTaskQueue(connection, side, names, id, topology);
  return {
    publisher,
    ensureTasks,
    hasTasks: (id) => hasTaskQueue(connection, names, id, topology),
    emptyTasks: async (id) => {
      // What is not there closes the channel.
      await ensureTasks(id);
      if (topology.mode !== "off") await emptyTaskQueue(side, names, id);
    },
    drain: () => channel.waitForConfirms(),
    end: (reason) => publisher.end(reason),
  };
}

/** On a channel of its own: what the broker refuses closes it. */
async function declare(
  connection: AmqpConnection,
  names: AmqpNames,
  topology: AmqpTopologyOptions,
): Promise<void> {
  await ensureAmqpTopology(await connection.channel(), names, topology);
}

/** The queues that a bridge takes from, and who deals with what comes of them. */
export function sourcesOf(names: AmqpNames, incoming: Incoming, desk: WorkerDesk): Source[] {
  const lanes = LANES.map(
    (lane): Source => ({
      queue: names.flows(lane),
      take: (body, properties, isLost) => incoming.handle({ lane, body, properties }, isLost),
    }),
  );
  const workers = AMQP_WORKER_KINDS.map(
    (kind): Source => ({
      queue: names.workers[kind],
      take: (body, properties, isLost) => desk.take(kind, { body, properties }, isLost),
    }),
  );
  return [...lanes, ...workers];
}
