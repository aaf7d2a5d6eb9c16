import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/batuta.js", import.meta.url));

/** A `batuta` process of its own, as users run it; or another script. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #exited: Promise<number | null>;
  #output = "";
  #listeners: (() => void)[] = [];

  /** `launcher` is what its command begins with; it has to replace itself by what follows. */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    launcher: readonly string[] = [],
    script = BIN,
  ) {
    const [command = "", ...rest] = [...launcher, process.execPath, script, ...args];
    this.process = spawn(command, rest, {
      env: { ...process.env, BATUTA_LOG_FORMAT: "json", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
    }
    this.#exited = once(this.process, "exit").then(([code]) => code as number | null);
  }

  /** Everything that it has written, on both streams. */
  get output(): string {
    return this.#output;
  }

  /** Resolves once its output matches. Rejects, with the output, when it exits before. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#output)) {
      const heard = new Promise<void>((resolve) => this.#listeners.push(resolve));
      const left = await Promise.race([heard.then(() => false), this.#exited.then(() => true)]);
      if (left && !pattern.test(this.#output)) {
        throw new Error(`batuta exited before it said ${pattern}:\n${this.#output}`);
      }
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** The exit code; null after a signal that was not handled. */
  exited(): Promise<number | null> {
    return this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill("SIGCONT");
      this.process.kill("SIGKILL");
    }
    await this.#exited;
  }

  #hear(text: string): void {
    this.#output += text;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
