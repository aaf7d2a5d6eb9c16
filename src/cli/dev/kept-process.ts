import type { ChildProcess } from "node:child_process";
import {
  decideRestart,
  RESTART_POLICY,
  type RestartPolicy,
} from "../../nats-server/restart-policy.ts";
import { EXIT } from "../exit-codes.ts";

export interface KeptProcessOptions {
  /** As people know it. */
  readonly name: string;
  readonly spawn: () => ChildProcess;
  /** One line for people. */
  readonly say: (line: string) => void;
  /** It is not started again: it crashed too often, or its settings are wrong. */
  readonly onGaveUp: () => void;
  readonly policy?: RestartPolicy;
  readonly now?: () => number;
}

/**
 * A child process that is started again whenever it ends, until it is stopped or the restart policy
 * gives it up.
 */
export class KeptProcess {
  readonly #options: KeptProcessOptions;
  readonly #crashes: number[] = [];
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(options: KeptProcessOptions) {
    this.#options = options;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const child = this.#options.spawn();
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const end = (how: string, code: number | null) => {
        if (this.#child !== child) return;
        this.#child = undefined;
        resolve();
        if (!this.#stopping) this.#endedByItself(how, code);
      };
      child.once("exit", (code, signal) => end(signal ?? `code ${code}`, code));
      child.once("error", (error) => end(error.message, null));
    });
  }

  /** SIGTERM, and SIGKILL after `graceMs`. Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    this.#child?.kill("SIGTERM");
    const late = setTimeout(() => this.kill(), graceMs);
    await this.#ended;
    clearTimeout(late);
  }

  kill(): void {
    this.#stopping = true;
    this.#child?.kill("SIGKILL");
  }

  #endedByItself(how: string, code: number | null): void {
    const { name, say, onGaveUp, policy = RESTART_POLICY, now = Date.now } = this.#options;
    this.#crashes.push(now());
    const decision = decideRestart(this.#crashes, now(), policy);
    if (code === EXIT.usage || decision.type === "give-up") {
      say(`${name} ended (${how}) and is not started again`);
      onGaveUp();
      return;
    }
    say(`${name} ended (${how}); starting it again`);
    this.#restart = setTimeout(() => this.start(), decision.delayMs);
  }
}
