import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { freePorts } from "../../scripts/free-ports.ts";
import type { Bus } from "../../src/bus/connect.ts";
import { temporaryDir } from "./nats.ts";
import { spawnServer, untilItStores } from "./raw-server.ts";

const NODES = ["n1", "n2", "n3"] as const;
type NodeName = (typeof NODES)[number];

/** Three nats-servers of the project's version on loopback that are one JetStream cluster. */
export class NatsCluster {
  /** All three addresses, comma-separated. */
  readonly url: string;
  readonly #configs: ReadonlyMap<string, string>;
  readonly #running = new Map<string, ChildProcess>();

  private constructor(url: string, configs: ReadonlyMap<string, string>) {
    this.url = url;
    this.#configs = configs;
  }

  /** Resolves once streams with three copies can be made. Ends with the test. */
  static async start(): Promise<NatsCluster> {
    const ports = await freePorts(2 * NODES.length);
    const clientPorts = ports.slice(0, NODES.length);
    const url = clientPorts.map((port) => `nats://127.0.0.1:${port}`).join(",");
    const cluster = new NatsCluster(url, await writeConfigs(ports));
    onTestFinished(() => cluster.#stop());
    for (const name of NODES) cluster.start(name);
    await untilItStores(url, NODES.length);
    return cluster;
  }

  /** Starts a node (again). */
  start(name: string): void {
    const config = this.#configs.get(name);
    if (config === undefined) throw new Error(`there is no node ${name}`);
    this.#running.set(name, spawnServer(config));
  }

  /** kill -9 of the node that leads a stream; resolves with its name once it is gone. */
  async killLeader(bus: Bus, stream: string): Promise<string> {
    const { cluster } = await bus.jsm.streams.info(stream);
    const name = cluster?.leader ?? "";
    await this.#kill(name);
    return name;
  }

  async #kill(name: string): Promise<void> {
    const child = this.#running.get(name);
    if (child === undefined) throw new Error(`there is no node ${name} that runs`);
    this.#running.delete(name);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async #stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.#kill(name)));
  }
}

/** Ports for clients first, then those of the routes between the nodes. */
async function writeConfigs(ports: readonly number[]): Promise<ReadonlyMap<NodeName, string>> {
  const routePorts = ports.slice(NODES.length);
  const routes = routePorts.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  const store = await temporaryDir();
  const entries = NODES.map(async (name, index) => {
    await mkdir(join(store, name));
    const path = join(store, `${name}.conf`);
    const lines = [
      `server_name: ${name}`,
      `listen: "127.0.0.1:${ports[index]}"`,
      "max_payload: 8MB",
      `log_file: ${JSON.stringify(join(store, `${name}.log`))}`,
      `jetstream { store_dir: ${JSON.stringify(join(store, name))} }`,
      `cluster { name: batuta-test, listen: "127.0.0.1:${routePorts[index]}", routes: [${routes}] }`,
    ];
    await writeFile(path, `${lines.join("\n")}\n`);
    return [name, path] as const;
  });
  return new Map(await Promise.all(entries));
}
