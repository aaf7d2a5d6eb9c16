import type { ChildProcess } from "node:child_process";
import {
  ProvisionError,
  type ProvisionedWorker,
  type Provisioner,
  type WorkerExit,
} from "./provisioner.ts";

export interface ProcessProvisionerOptions {
  /** Runs a worker of this id as a child process that ends when this process does. */
  readonly spawn: (workerId: string) => ChildProcess;
  /** Of the ids: `worker` gives worker-1, worker-2, ... */
  readonly baseId: string;
  /** How long they may take to finish what they hold when all of them are stopped. */
  readonly drainMs: number;
  /** One line for people: what ended, and how. */
  readonly say: (line: string) => void;
  readonly now: () => number;
  /** How long a worker may still take when its drain time is over. */
  readonly closeMs?: number;
}

/** Beyond its drain time: to say goodbye and close. */
const CLOSE_MS = 5_000;

interface Child {
  readonly workerId: string;
  readonly process: ChildProcess;
  readonly startedAt: number;
  readonly ended: Promise<void>;
  leaving: boolean;
  /** When it is killed (epoch ms), and what does so. */
  killAt: number;
  deadline: NodeJS.Timeout | undefined;
}

/**
 * Workers as child processes of this one. They cannot outlive it: their standard input is a pipe that ends
 * with it, however it ends. What there is, is known without asking, and an end is seen at once.
 */
export class ProcessProvisioner implements Provisioner {
  readonly kind = "process";
  readonly advisory = false;
  readonly #options: ProcessProvisionerOptions;
  readonly #children = new Map<string, Child>();
  readonly #listeners = new Set<(exit: WorkerExit) => void>();
  #disposed = false;

  constructor(options: ProcessProvisionerOptions) {
    this.#options = options;
  }

  async list(): Promise<readonly ProvisionedWorker[]> {
    return [...this.#children.values()].map(({ workerId, process, startedAt, leaving }) => ({
      workerId,
      handle: String(process.pid ?? "not started"),
      leaving,
      startedAt,
    }));
  }

  /** @throws ProvisionError when the program cannot be run at all. */
  async start(count: number, signal?: AbortSignal): Promise<void> {
    for (let started = 0; started < count; started += 1) {
      signal?.throwIfAborted();
      if (this.#disposed) throw new ProvisionError("the provisioner is closed");
      await this.#spawn(this.#freeId());
    }
  }

  async retire(workerIds: readonly string[], drainMs: number): Promise<void> {
    for (const workerId of workerIds) {
      const child = this.#children.get(workerId);
      if (child !== undefined) this.#retire(child, drainMs);
    }
  }

  onExit(listener: (exit: WorkerExit) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ends all of them at once. */
  kill(): void {
    this.#disposed = true;
    for (const { process } of this.#children.values()) process.kill("SIGKILL");
  }

  /** Starts nothing more, drains all of them, and resolves when they are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const children = [...this.#children.values()];
    for (const child of children) this.#retire(child, this.#options.drainMs);
    await Promise.all(children.map(({ ended }) => ended));
  }

  /** Told once; told again it is given no more time than before. */
  #retire(child: Child, drainMs: number): void {
    const { closeMs = CLOSE_MS, now } = this.#options;
    if (!child.leaving) child.process.kill("SIGTERM");
    child.leaving = true;
    const killAt = now() + drainMs + closeMs;
    if (killAt >= child.killAt) return;
    child.killAt = killAt;
    clearTimeout(child.deadline);
    const overdue = () => {
      this.#options.say(`worker ${child.workerId} did not leave in time and is killed`);
      child.process.kill("SIGKILL");
    };
    child.deadline = setTimeout(overdue, drainMs + closeMs);
  }

  async #spawn(workerId: string): Promise<void> {
    const { spawn, now } = this.#options;
    const process = spawn(workerId);
    let tellEnd = () => {};
    const ended = new Promise<void>((resolve) => {
      tellEnd = resolve;
    });
    const startedAt = now();
    const child: Child = {
      workerId,
      process,
      startedAt,
      ended,
      leaving: false,
      killAt: Number.POSITIVE_INFINITY,
      deadline: undefined,
    };
    this.#children.set(workerId, child);
    process.once("exit", (code, signal) => {
      tellEnd();
      this.#ended(child, code, signal);
    });
    // Without a listener a later one, of a signal that cannot be sent, would end this process.
    process.on("error", () => {});
    try {
      await isSpawned(process);
    } catch (cause) {
      tellEnd();
      this.#children.delete(workerId);
      throw new ProvisionError(`worker ${workerId} cannot be run: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  #ended(child: Child, code: number | null, signal: string | null): void {
    const { workerId, leaving, process } = child;
    const how = signal === null ? `code ${code}` : `signal ${signal}`;
    clearTimeout(child.deadline);
    this.#children.delete(workerId);
    const expected = leaving || code === 0;
    if (!expected) this.#options.say(`worker ${workerId} ended (${how})`);
    for (const listener of this.#listeners)
      listener({ workerId, pid: process.pid, code, signal, how, expected, told: leaving });
  }

  /** An id is used again once its process is gone: its conduct stays with it. */
  #freeId(): string {
    for (let number = 1; ; number += 1) {
      const id = `${this.#options.baseId}-${number}`;
      if (!this.#children.has(id)) return id;
    }
  }
}

/** Rejects when the program cannot be run: not found, not permitted, too many processes. */
function isSpawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve());
    child.once("error", reject);
  });
}
