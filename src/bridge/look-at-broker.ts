import { LANES } from "../domain/lane.ts";
import type { AmqpNames } from "../messages/amqp-names.ts";
import { AmqpConnection } from "./connection.ts";

export interface QueueFacts {
  readonly messages: number;
  readonly consumers: number;
}

/** What a broker has of what a bridge needs; nothing is made or changed. */
export interface BrokerFacts {
  readonly product: string;
  readonly version: string;
  /** Those that are not there are undefined. */
  readonly queues: Readonly<Record<string, QueueFacts | undefined>>;
  readonly missingExchanges: readonly string[];
}

const HEARTBEAT_MS = 10_000;

/** @throws Error that names the server, without its login, and what it said. */
export async function lookAtBroker(url: string, names: AmqpNames): Promise<BrokerFacts> {
  const nothing = () => {};
  const connection = await AmqpConnection.open(
    { url, name: "batuta doctor", heartbeatMs: HEARTBEAT_MS },
    // What breaks is told by what is asked over it.
    { lost: nothing, blocked: nothing, unblocked: nothing },
  );
  try {
    const queues: Record<string, QueueFacts | undefined> = {};
    for (const queue of [...LANES.map(names.flows), ...Object.values(names.workers), names.dead])
      queues[queue] = await queueOf(connection, queue);
    const missingExchanges: string[] = [];
    for (const exchange of [names.commands, names.events, names.deadLetters])
      if ((await connection.ask((channel) => channel.checkExchange(exchange))) === undefined)
        missingExchanges.push(exchange);
    return { ...connection.server, queues, missingExchanges };
  } finally {
    await connection.close();
  }
}

async function queueOf(connection: AmqpConnection, queue: string): Promise<QueueFacts | undefined> {
  const found = await connection.ask((channel) => channel.checkQueue(queue));
  return found && { messages: found.messageCount, consumers: found.consumerCount };
}
