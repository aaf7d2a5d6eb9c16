import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/batuta.js", import.meta.url));

/** The processes of a demo: `batuta run` and `batuta worker`, as anybody would start them, or a script. */
export class DemoFleet {
  readonly #env: Readonly<Record<string, string>>;
  readonly #children = new Map<string, ChildProcess>();
  readonly #log: string[] = [];

  constructor(natsUrl: string) {
    this.#env = {
      BATUTA_NATS_URL: natsUrl,
      BATUTA_LOG_FORMAT: "json",
      BATUTA_LOG_LEVEL: "warn",
      BATUTA_RETRY_BACKOFF: "200ms",
      BATUTA_HTTP_PORT: "0",
    };
  }

  /** What the processes complained about, for when the demo fails. */
  get complaints(): readonly string[] {
    return this.#log;
  }

  start(
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    script = BIN,
  ): void {
    const child = spawn(process.execPath, [script, ...args], {
      env: { ...process.env, ...this.#env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr
      .setEncoding("utf8")
      .on("data", (text: string) => this.#log.push(`${name}: ${text.trim()}`));
    this.#children.set(name, child);
  }

  kill(name: string, signal: NodeJS.Signals): void {
    this.#children.get(name)?.kill(signal);
  }

  /** Ends a process in order, and waits for that. */
  async stop(name: string): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  }

  async stopAll(): Promise<void> {
    // Workers first: what they still report needs the orchestrator.
    for (const name of [...this.#children.keys()].reverse()) await this.stop(name);
  }

  /** For an end without order: nothing may be left behind. */
  killAll(): void {
    for (const child of this.#children.values()) child.kill("SIGKILL");
  }
}
