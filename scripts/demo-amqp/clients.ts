import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { DemoFleet } from "../demo/fleet.ts";
import type { Check } from "../demo/summary.ts";

const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
export const WORKER = example("07-amqp-worker.mjs");
const PRODUCER = example("06-amqp-producer.mjs");
const PATIENCE_MS = 60_000;

/** What the producer was told of one flow. */
export interface Ended {
  readonly executionId: string;
  readonly status: string;
  readonly by: string;
  readonly attempt: number;
}

/** Runs the producer until it has heard of all of its flows; `begun` is called when it has of the first. */
export async function runProducer(
  count: number,
  amqpUrl: string,
  fleet: DemoFleet,
  begun: () => void = () => {},
): Promise<readonly Ended[]> {
  const child = spawn(process.execPath, [PRODUCER, String(count)], {
    env: { ...process.env, BATUTA_AMQP_URL: amqpUrl },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: PATIENCE_MS,
  });
  const ended: Ended[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [, executionId = "", status = "", by = "", attempt] =
      /^(\S+) (\w+) by (\S+), attempt (\d+)$/.exec(line) ?? [];
    if (ended.push({ executionId, status, by, attempt: Number(attempt) }) === 1) begun();
  }
  if (ended.length < count)
    throw new Error(`${ended.length} of ${count} results came:\n${fleet.complaints.join("\n")}`);
  return ended;
}

/** Its exchanges and queues are there from then on: what is sent to none is lost. */
export async function untilReady(url: string, ms: number): Promise<void> {
  const lateAt = performance.now() + ms;
  while (performance.now() < lateAt) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await pause(100);
  }
  throw new Error(`${url} did not say that the bridge is ready in ${ms / 1_000} s`);
}

export function published(what: string, ended: readonly Ended[], count: number): Check {
  const ids = new Set(ended.map(({ executionId }) => executionId));
  const unsound = ended.filter(({ status }) => status !== "completed");
  return {
    what,
    faults: [
      ...(ids.size === count && ended.length === count ? [] : [`${ended.length} of ${count} came`]),
      ...unsound.map(({ executionId, status }) => `${executionId} ${status}`),
    ],
  };
}
