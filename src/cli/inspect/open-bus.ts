import { JetStreamApiError } from "@nats-io/jetstream";
import { type Bus, connectBus } from "../../bus/connect.ts";
import { withoutPasswords } from "../../config/explain.ts";
import type { Config } from "../../config/variables.ts";
import { UnreachableError } from "../../domain/errors.ts";
import { natsUrlOf } from "../nats/sources.ts";

const CONNECT_TIMEOUT_MS = 5_000;

/** @throws UnreachableError when no server with JetStream answers. */
export function openBus(config: Config): Promise<Bus> {
  const prefix = config.nats.subjectPrefix;
  return connectBus({
    url: natsUrlOf(config),
    prefix,
    name: "batuta cli",
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  });
}

/**
 * A bus on which an orchestrator has made the streams; without them there is nothing to look at.
 *
 * @throws UnreachableError that says which of the two is missing.
 */
export async function openPreparedBus(config: Config): Promise<Bus> {
  const bus = await openBus(config);
  try {
    await bus.jsm.streams.info(bus.names.streams.flows.normal);
    return bus;
  } catch (cause) {
    await bus.close();
    if (!(cause instanceof JetStreamApiError) || cause.status !== 404) throw cause;
    const where = withoutPasswords(natsUrlOf(config));
    const { subjectPrefix } = config.nats;
    const prefixed = subjectPrefix === "" ? "" : ` with the prefix ${subjectPrefix}`;
    throw new UnreachableError(
      `no orchestrator has been on ${where} yet${prefixed}: start one with \`batuta run\` or \`batuta dev\``,
      { cause },
    );
  }
}
