import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "nats";
import { onTestFinished } from "vitest";
import { freePorts } from "../../scripts/free-ports.ts";
import { privateBinary, temporaryDir } from "./nats.ts";

/** A nats-server of the project's version with a configuration file of the test's own making. */
export function spawnServer(config: string): ChildProcess {
  const child = spawn(privateBinary().path, ["-c", config], { stdio: "ignore" });
  // Also when the test's process is ended without its hooks.
  const end = () => void child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  return child;
}

/**
 * One server with JetStream and these lines in its configuration, on loopback. Ends with the test.
 */
export async function startTunedServer(
  lines: readonly string[],
): Promise<{ readonly url: string; readonly monitoringUrl: string }> {
  const store = await temporaryDir();
  const [port, monitoringPort] = await freePorts(2);
  const config = join(store, "nats-server.conf");
  const all = [
    `listen: "127.0.0.1:${port}"`,
    `http: "127.0.0.1:${monitoringPort}"`,
    `jetstream { store_dir: ${JSON.stringify(store)} }`,
    ...lines,
  ];
  await writeFile(config, `${all.join("\n")}\n`);
  const child = spawnServer(config);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  const url = `nats://127.0.0.1:${port}`;
  await untilItStores(url, 1);
  return { url, monitoringUrl: `http://127.0.0.1:${monitoringPort}` };
}

/** Resolves once a stream with so many copies can be made. */
export async function untilItStores(url: string, replicas: number): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    try {
      return await makeStream(url, replicas);
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await pause(50);
    }
  }
}

async function makeStream(url: string, replicas: number): Promise<void> {
  const nc = await connect({ servers: url.split(",") });
  try {
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: "PROBE", subjects: ["probe"], num_replicas: replicas });
    await jsm.streams.delete("PROBE");
  } finally {
    await nc.close();
  }
}
