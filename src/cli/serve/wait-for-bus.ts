import { setTimeout as delay } from "node:timers/promises";
import { connectBus } from "../../bus/connect.ts";
import { withoutPasswords } from "../../config/explain.ts";
import type { Config } from "../../config/variables.ts";
import { UnreachableError } from "../../domain/errors.ts";
import type { ProcessLog } from "../../processes/process-log.ts";

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 5_000;
/** A server that stays away is told again so often, not at each try. */
const REMIND_MS = 60_000;

export interface BusFacts {
  readonly serverVersion: string;
}

/**
 * Resolves once a server with JetStream answers, however long that takes: a service that is started
 * before its server waits instead of dying. Undefined when `signal` ended the wait.
 *
 * @throws UnreachableError when the server refuses these credentials: waiting would not help.
 */
export async function waitForBus(
  config: Config,
  url: string,
  log: ProcessLog,
  signal: AbortSignal,
): Promise<BusFacts | undefined> {
  let toldAt = Number.NEGATIVE_INFINITY;
  for (
    let delayMs = FIRST_DELAY_MS;
    !signal.aborted;
    delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)
  ) {
    try {
      return await lookAt(config, url);
    } catch (error) {
      if (!(error instanceof UnreachableError) || isRefusal(error)) throw error;
      const tellsNow = Date.now() - toldAt >= REMIND_MS;
      if (tellsNow) log.warn({ natsUrl: withoutPasswords(url), cause: causeOf(error) }, WAITING);
      if (tellsNow) toldAt = Date.now();
    }
    // It rejects when the wait is called off, which the loop sees.
    await delay(delayMs, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

const WAITING = "no NATS server with JetStream answers; waiting for it";

async function lookAt(config: Config, url: string): Promise<BusFacts> {
  const prefix = config.nats.subjectPrefix;
  await using bus = await connectBus({
    url,
    prefix,
    name: "batuta start",
    connectTimeoutMs: 5_000,
  });
  return { serverVersion: bus.serverVersion };
}

function isRefusal({ cause }: UnreachableError): boolean {
  return cause instanceof Error && cause.name === "AuthorizationError";
}

function causeOf({ message, cause }: UnreachableError): string {
  return cause instanceof Error ? cause.message : message;
}
