import { type BrokerFacts, lookAtBroker } from "../../bridge/look-at-broker.ts";
import type { Config } from "../../config/variables.ts";
import { LANES } from "../../domain/lane.ts";
import { type AmqpNames, amqpNames } from "../../messages/amqp-names.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** A heartbeat that is older than six intervals says nothing; so many are older with any worker. */
const STALE_BEATS = 1_000;

/** How the RabbitMQ broker is, and whether a bridge takes from it. */
export async function amqpFindings({ amqp }: Config): Promise<readonly Finding[]> {
  const { url, prefix, topology } = amqp;
  if (url === undefined) return [ok("amqp", "no broker is joined: BATUTA_AMQP_URL is not set")];
  const names = amqpNames(prefix);
  try {
    return judgeBroker(await lookAtBroker(url, names), names, topology);
  } catch (error) {
    const { message } = error as Error;
    return [fail("amqp", message, whatHelps(message))];
  }
}

/** What a broker's own words call for. */
export function whatHelps(said: string): string {
  if (/ACCESS_REFUSED|ACCESS-REFUSED|403/.test(said))
    return "check user and password in BATUTA_AMQP_URL, and their permissions on its vhost";
  if (/vhost|NOT_ALLOWED|530/i.test(said))
    return "check the vhost: it is the path of BATUTA_AMQP_URL; `rabbitmqctl add_vhost` makes one";
  return "check host and port in BATUTA_AMQP_URL, and that RabbitMQ runs there";
}

export function judgeBroker(
  facts: BrokerFacts,
  names: AmqpNames,
  topology: Config["amqp"]["topology"],
): readonly Finding[] {
  const server = ok("amqp", `${facts.product} ${facts.version}`);
  const missing = [
    ...facts.missingExchanges,
    ...Object.keys(facts.queues).filter((queue) => facts.queues[queue] === undefined),
  ];
  if (missing.length > 0) return [server, missingFinding(missing, topology)];
  return [
    server,
    ok("amqp topology", "every exchange and queue is there"),
    takingFinding(facts, names),
    ...beatsFindings(facts, names),
    ...deadFindings(facts, names),
  ];
}

function missingFinding(missing: readonly string[], topology: string): Finding {
  const detail = `not there: ${missing.join(", ")}`;
  return topology === "declare"
    ? warn("amqp topology", detail, "the first bridge makes them: `batuta bridge`")
    : fail("amqp topology", detail, "make them, or set BATUTA_AMQP_TOPOLOGY=declare");
}

function takingFinding({ queues }: BrokerFacts, names: AmqpNames): Finding {
  const lanes = LANES.map(names.flows);
  const waiting = lanes.reduce((sum, queue) => sum + (queues[queue]?.messages ?? 0), 0);
  const idle = lanes.filter((queue) => queues[queue]?.consumers === 0);
  if (idle.length === 0) return ok("amqp bridge", `one takes flows; ${waiting} wait`);
  const detail = `nobody takes from ${idle.join(", ")}; ${waiting} flows wait`;
  return warn("amqp bridge", detail, "start one: `batuta bridge`, or see its log");
}

function beatsFindings({ queues }: BrokerFacts, names: AmqpNames): Finding[] {
  const queue = names.workers.heartbeat;
  const { messages = 0 } = queues[queue] ?? {};
  if (messages < STALE_BEATS) return [];
  const next = "give that queue a message-ttl by a policy (docs/amqp.md)";
  return [
    warn(
      "amqp heartbeats",
      `${messages} wait in ${queue}: workers that are gone will seem alive`,
      next,
    ),
  ];
}

function deadFindings({ queues }: BrokerFacts, { dead }: AmqpNames): Finding[] {
  const { messages = 0 } = queues[dead] ?? {};
  if (messages === 0) return [];
  const next = "look at the headers x-batuta-reason and x-batuta-error of what is in it";
  return [warn("amqp dead letters", `${messages} in ${dead}`, next)];
}
