import type { Channel } from "amqplib";
import { NotFoundError } from "../domain/errors.ts";
import { LANES } from "../domain/lane.ts";
import type { AmqpNames } from "../messages/amqp-names.ts";
import { AMQP_WORKER_KINDS } from "../messages/amqp-worker.ts";
import type { AmqpConnection } from "./connection.ts";

export interface AmqpTopologyOptions {
  /** declare: make what is missing. passive: fail where something is missing. off: look at nothing. */
  readonly mode: "declare" | "passive" | "off";
  readonly queueType: "quorum" | "classic";
}

/**
 * Makes sure that every exchange and queue of the bridge is there. Queues get their type and no other
 * argument: limits and dead-lettering are for policies, so that clients that declare a queue themselves,
 * without any, are not refused (research/amqp.md 0.5).
 *
 * @throws Error of the broker (406 PRECONDITION_FAILED, 404 NOT_FOUND) which closes the channel.
 */
export async function ensureAmqpTopology(
  channel: Channel,
  names: AmqpNames,
  { mode, queueType }: AmqpTopologyOptions,
): Promise<void> {
  if (mode === "off") return;
  const exchanges = [names.commands, names.events, names.deadLetters];
  const queues = [...LANES.map(names.flows), ...Object.values(names.workers), names.dead];
  if (mode === "passive") {
    for (const exchange of exchanges) await channel.checkExchange(exchange);
    for (const queue of queues) await channel.checkQueue(queue);
    return;
  }
  for (const exchange of exchanges)
    await channel.assertExchange(exchange, "topic", { durable: true });
  const options = { durable: true, arguments: { "x-queue-type": queueType } };
  for (const queue of queues) await channel.assertQueue(queue, options);
  for (const lane of LANES)
    await channel.bindQueue(names.flows(lane), names.commands, names.keys.execute(lane));
  for (const kind of AMQP_WORKER_KINDS)
    await channel.bindQueue(names.workers[kind], names.commands, names.keys[kind]);
  await channel.bindQueue(names.dead, names.deadLetters, "#");
}

/**
 * Makes the queue of one worker, before it may be given anything.
 *
 * @throws NotFoundError where it is missing and may not be made.
 */
export async function ensureTaskQueue(
  connection: AmqpConnection,
  channel: Channel,
  names: AmqpNames,
  workerId: string,
  { mode, queueType }: AmqpTopologyOptions,
): Promise<void> {
  if (mode === "off") return;
  const queue = names.tasks(workerId);
  if (mode === "passive") {
    const found = await connection.ask((asking) => asking.checkQueue(queue));
    if (found !== undefined) return;
    throw new NotFoundError(`there is no queue ${queue}, and this bridge may make none`);
  }
  const options = { durable: true, arguments: { "x-queue-type": queueType } };
  await channel.assertQueue(queue, options);
  await channel.bindQueue(queue, names.commands, names.keys.task(workerId));
}

/** Whether the queue of a worker is there, as far as this bridge may look. */
export async function hasTaskQueue(
  connection: AmqpConnection,
  names: AmqpNames,
  workerId: string,
  { mode }: AmqpTopologyOptions,
): Promise<boolean> {
  if (mode === "off") return true;
  const found = await connection.ask((asking) => asking.checkQueue(names.tasks(workerId)));
  return found !== undefined;
}

/** What a worker that is gone was still to do: others do it. */
export async function emptyTaskQueue(
  channel: Channel,
  names: AmqpNames,
  workerId: string,
): Promise<void> {
  await channel.purgeQueue(names.tasks(workerId));
}
