import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Bus } from "../../src/bus/connect.ts";
import { publishStored } from "../../src/bus/publish.ts";
import { WorkerRegistry } from "../../src/bus/worker-registry.ts";
import type { Check } from "../demo/summary.ts";
import type { Timeline } from "./timeline.ts";

const BIN = fileURLToPath(new URL("../../bin/batuta.js", import.meta.url));
const DONE_MS = 60_000;
const SLOW_MS = 3_000;

/** One of each kind that people ask about, with what the answer has to say. */
const ASKED = [
  { id: "burst-4999", what: "one that waited", says: /waited in the lane normal/ },
  { id: "moved", what: "one whose worker was killed", says: /was lost; it moved/ },
  { id: "broken", what: "one that failed", says: /given up as max_attempts/ },
] as const;

/** Kills a worker with `kill -9` while it runs an execution, lets another one fail, and asks `batuta explain` why. */
export async function explained(bus: Bus, timeline: Timeline): Promise<Check> {
  await publish(bus, "moved", { id: "wait", type: "delay", config: { delayMs: SLOW_MS } });
  const failing = { code: "NO_STOCK", message: "the shelf is empty", retryable: true };
  await publish(bus, "broken", { id: "order", type: "fail", config: failing });
  await killHolder(bus, "moved");
  const hasEnded = (id: string) => timeline.results.some((each) => each.executionId === id);
  await timeline.until("the end of both", DONE_MS, () => hasEnded("moved") && hasEnded("broken"));
  const faults: string[] = [];
  for (const { id, what, says } of ASKED) {
    const { stdout } = await promisify(execFile)(process.execPath, [BIN, "explain", id], {
      env: { ...process.env, BATUTA_NATS_URL: bus.nc.getServer() },
    });
    console.log(`\n$ batuta explain ${id}   # ${what}\n${stdout.trimEnd()}`);
    if (!says.test(stdout)) faults.push(`${id} is not explained by ${says}`);
  }
  console.log("");
  return { what: "batuta explain tells why one waited, one moved and one failed", faults };
}

async function publish(bus: Bus, executionId: string, node: object): Promise<void> {
  const flowData = { name: executionId, version: 1, nodes: [node], connections: [] };
  const body = { flowId: executionId, executionId, flowData, maxAttempts: 2 };
  await publishStored(bus, bus.names.execute("high"), JSON.stringify(body));
}

/** As soon as it has begun. */
async function killHolder(bus: Bus, executionId: string): Promise<void> {
  const { nc, names } = bus;
  const registry = await WorkerRegistry.open(bus);
  for (;;) {
    const body = JSON.stringify({ action: "status" });
    const reply = await nc.request(names.control(executionId), body).catch(() => undefined);
    const workerId = reply?.json<{ workerId?: string }>().workerId;
    const entries = workerId === undefined ? [] : await registry.entries();
    const holder = entries.find(({ registration }) => registration.workerId === workerId);
    if (holder !== undefined) {
      console.log(`kill -9 of ${workerId}, which runs ${executionId}`);
      process.kill(holder.registration.pid, "SIGKILL");
      return;
    }
  }
}
