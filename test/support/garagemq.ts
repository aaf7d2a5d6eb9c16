import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { findProgram, installOnce } from "../../scripts/debian.ts";
import { freePorts } from "../../scripts/free-ports.ts";
import { usePart } from "./part.ts";

const PROGRAM = "garagemq";
const DEBIANS_CONFIG = "/etc/garagemq/config.yaml";

/**
 * A broker of another make, called once at the top of a file: Debian's GarageMQ, which is installed where it
 * is missing. It speaks AMQP 0-9-1, but names no queues and reads no lists in headers.
 */
export function useGarageMq(): () => { readonly url: string } {
  return usePart(
    "GarageMQ",
    () => GarageMq.start(),
    (broker) => broker.stop(),
  );
}

class GarageMq {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url;
    this.#process = child;
    this.#folder = folder;
  }

  static async start(): Promise<GarageMq> {
    const isThere = () => findProgram([PROGRAM]) !== undefined;
    if (!isThere()) await installOnce([PROGRAM], isThere);
    const [port = 0, adminPort = 0] = await freePorts(2);
    const folder = await mkdtemp(join(tmpdir(), "batuta-garagemq-"));
    const config = join(folder, "config.yaml");
    const own = (await readFile(DEBIANS_CONFIG, "utf8"))
      .replace(/port: 5672\b/, `port: ${port}`)
      .replace(/port: 15672\b/, `port: ${adminPort}`)
      .replace(/defaultPath: \/var\S+/, `defaultPath: ${join(folder, "db")}`);
    await writeFile(config, own);
    const child = spawn(PROGRAM, ["--config", config], { stdio: "ignore" });
    const broker = new GarageMq(`amqp://guest:guest@127.0.0.1:${port}`, child, folder);
    await broker.#answers(port);
    return broker;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    if (this.#process.kill("SIGKILL")) await ended;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** It says nothing of when it is ready. */
  async #answers(port: number): Promise<void> {
    while (this.#process.exitCode === null) {
      const isOpen = await new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1", () => resolve(true));
        socket.once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
      });
      if (isOpen) return;
      await pause(50);
    }
    throw new Error(`${PROGRAM} ended with ${this.#process.exitCode}`);
  }
}
