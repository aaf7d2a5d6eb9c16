import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { processUsage } from "../../../bench/measure.ts";

const BIN = fileURLToPath(new URL("../../../bin/batuta.js", import.meta.url));

/** `batuta bridge` as users start it, and as something kills it. */
export class BridgeUnderTest implements AsyncDisposable {
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;

  constructor(natsUrl: string, amqpUrl: string) {
    this.#env = {
      ...process.env,
      BATUTA_NATS_URL: natsUrl,
      BATUTA_AMQP_URL: amqpUrl,
      BATUTA_LOG_FORMAT: "json",
    };
    process.once("exit", () => this.#child?.kill("SIGKILL"));
  }

  get memoryMB(): number {
    return processUsage(this.#child?.pid ?? 0).rssMB;
  }

  /** Resolves once both of its links run. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [BIN, "bridge"], { env: this.#env });
    this.#child = child;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      const hear = (text: Buffer) => {
        said += text;
        if (/AMQP link running[\s\S]*AMQP link running/.test(said)) resolve();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("exit", () => reject(new Error(`the bridge ended:\n${said}`)));
    });
    for (const stream of [child.stdout, child.stderr]) stream.removeAllListeners("data").resume();
  }

  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGTERM");
  }
}
