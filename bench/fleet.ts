import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Bus } from "../src/bus/connect.ts";
import type { WorkerStateEvent } from "../src/messages/worker.ts";

const BIN = fileURLToPath(new URL("../bin/batuta.js", import.meta.url));

/** The processes under test, as users start them. */
export class BenchFleet implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #env: Readonly<Record<string, string>>;
  readonly #children: ChildProcess[] = [];

  constructor(bus: Bus, url: string, slots: number, env: Readonly<Record<string, string>> = {}) {
    this.#bus = bus;
    this.#env = {
      BATUTA_NATS_URL: url,
      BATUTA_HTTP_PORT: "0",
      BATUTA_LOG_LEVEL: "warn",
      BATUTA_LOG_FORMAT: "json",
      BATUTA_WORKER_MAX_CONCURRENT_FLOWS: String(slots),
      // Only what is to fail does, and it is to wait for longer than the bench takes.
      BATUTA_RETRY_BACKOFF: "12h",
      BATUTA_RETRY_BACKOFF_MAX: "12h",
      ...env,
    };
  }

  /** Resolves with its pid once it has made the streams. */
  async orchestrator(): Promise<number> {
    const child = this.#spawn(["run"], { BATUTA_LOG_LEVEL: "info" });
    let said = "";
    child.stderr?.setEncoding("utf8");
    for await (const text of child.stderr ?? []) {
      said += text as string;
      if (said.includes("orchestrator running")) break;
    }
    child.stderr?.resume();
    if (child.pid === undefined || child.exitCode !== null)
      throw new Error(`bench: the orchestrator ended:\n${said}`);
    return child.pid;
  }

  /** Resolves once it is healthy. */
  async worker(workerId: string): Promise<void> {
    const healthy = new Promise<void>((resolve) => {
      this.#bus.nc.subscribe(this.#bus.names.workerState(workerId), {
        callback: (error, msg) => {
          if (error === null && msg.json<WorkerStateEvent>().to === "healthy") resolve();
        },
      });
    });
    const child = this.#spawn(["worker"], { BATUTA_WORKER_ID: workerId });
    child.stderr?.pipe(process.stderr);
    await healthy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  }

  #spawn(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    const child = spawn(process.execPath, [BIN, ...args], {
      env: { ...process.env, ...this.#env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#children.push(child);
    process.once("exit", () => child.kill("SIGKILL"));
    return child;
  }
}
