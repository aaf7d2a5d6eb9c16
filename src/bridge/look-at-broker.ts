import { type ChannelModel, connect } from "amqplib";
import { LANES } from "../domain/lane.ts";
import type { AmqpNames } from "../messages/amqp-names.ts";
import { withoutLogin } from "./server-name.ts";

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

const CONNECT_MS = 5_000;

/** @throws Error that names the server, without its login, and what it said. */
export async function lookAtBroker(url: string, names: AmqpNames): Promise<BrokerFacts> {
  const model = await open(url);
  try {
    const queues: Record<string, QueueFacts | undefined> = {};
    for (const queue of [...LANES.map(names.flows), ...Object.values(names.workers), names.dead])
      queues[queue] = await queueOf(model, queue);
    const missingExchanges: string[] = [];
    for (const exchange of [names.commands, names.events, names.deadLetters])
      if (!(await hasExchange(model, exchange))) missingExchanges.push(exchange);
    const { product = "a broker", version = "?" } = model.connection.serverProperties;
    return { product: String(product), version: String(version), queues, missingExchanges };
  } finally {
    // One that breaks while it is closed is closed as well.
    await model.close().catch(() => {});
  }
}

async function open(url: string): Promise<ChannelModel> {
  try {
    const model = await connect(url, { timeout: CONNECT_MS });
    // Told by what is asked over it.
    model.on("error", () => {});
    return model;
  } catch (cause) {
    const said = (cause as Error).message || (cause as { code?: string }).code;
    throw new Error(`${withoutLogin(url)}: ${said}`, { cause });
  }
}

async function queueOf(model: ChannelModel, queue: string): Promise<QueueFacts | undefined> {
  const found = await asked(model, (channel) => channel.checkQueue(queue));
  return found && { messages: found.messageCount, consumers: found.consumerCount };
}

async function hasExchange(model: ChannelModel, exchange: string): Promise<boolean> {
  return (await asked(model, (channel) => channel.checkExchange(exchange))) !== undefined;
}

const NOT_FOUND = 404;

/** The broker closes a channel that asks for what is not there: each question has its own. */
async function asked<T>(
  model: ChannelModel,
  ask: (channel: Awaited<ReturnType<ChannelModel["createChannel"]>>) => Promise<T>,
): Promise<T | undefined> {
  const channel = await model.createChannel();
  channel.on("error", () => {});
  try {
    const answer = await ask(channel);
    await channel.close();
    return answer;
  } catch (error) {
    if ((error as { code?: number }).code === NOT_FOUND) return undefined;
    throw error;
  }
}
