import { DockerBooks } from "./docker-books.ts";
import { DockerChores } from "./docker-chores.ts";
import type { Container, Marks } from "./docker-container.ts";
import { DockerEngine, type Named } from "./docker-engine.ts";
import { containerSpec, type WorkerContainer } from "./docker-spec.ts";
import { startContainers } from "./docker-start.ts";
import { watchDocker } from "./docker-watch.ts";
import {
  ProvisionError,
  type ProvisionedWorker,
  type Provisioner,
  type WorkerExit,
} from "./provisioner.ts";

export interface DockerProvisionerOptions extends WorkerContainer {
  readonly socketPath: string;
  /** Labels that tell the containers of this fleet from those of others on the same engine. */
  readonly marks: Marks;
  /** Of the ids: `worker` gives worker-1, worker-2, ... Containers are named like their workers. */
  readonly baseId: string;
  /** How long a worker may take to finish what it holds, when it is stopped by hand or with all others. */
  readonly drainMs: number;
  /** Whether closing stops the workers. Those that are left are found by the next leader. */
  readonly onClose: "drain" | "leave";
  /** One line for people. */
  readonly say: (line: string) => void;
  readonly now: () => number;
  /** How long a worker may still take when its drain time is over. */
  readonly closeMs?: number;
  /** For each call that no caller waits for. */
  readonly ownCallMs?: number;
  /** How long a retirement waits for the engine to object. */
  readonly objectionMs?: number;
  /** Before the engine's events are asked for again. */
  readonly retryMs?: number;
}

const DEFAULTS = { closeMs: 5_000, ownCallMs: 10_000, objectionMs: 500, retryMs: 1_000 };

/** On every worker that any Batuta has started on an engine. */
const WORKER_MARK: Marks = { "io.batuta.worker": "1" };

/**
 * Workers as containers of one Docker engine. What there is it asks the engine each time, so that
 * leaders may come and go; the end of a container is told by the engine at once.
 */
export class DockerProvisioner implements Provisioner {
  readonly kind = "docker";
  readonly advisory = false;
  readonly #options: DockerProvisionerOptions & typeof DEFAULTS;
  readonly #marks: Marks;
  readonly #engine: DockerEngine;
  readonly #chores: DockerChores;
  readonly #books: DockerBooks;
  readonly #listeners = new Set<(exit: WorkerExit) => void>();
  /** By the ids of containers that were told to stop: resolves when they have, or with what is against it. */
  readonly #leaving = new Map<string, Promise<Error | undefined>>();
  readonly #closing = new AbortController();
  #watch: Promise<void> | undefined;

  constructor(options: DockerProvisionerOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#marks = { ...WORKER_MARK, ...options.marks };
    const engine = new DockerEngine(options.socketPath, this.#marks);
    const { say, ownCallMs } = this.#options;
    this.#engine = engine;
    this.#chores = new DockerChores({ engine, say, callMs: ownCallMs });
    const ended = (each: Named, code: number | null) => this.#ended(each, code);
    this.#books = new DockerBooks({ engine, ended, now: options.now });
  }

  /** @throws ProvisionError when the engine cannot be asked, or says one thing here and another there. */
  async list(signal: AbortSignal): Promise<readonly ProvisionedWorker[]> {
    const alive = await this.#books.look(signal);
    return alive.map((container) => ({
      workerId: container.name,
      handle: container.id,
      leaving: this.#leaving.has(container.id),
      startedAt: this.#books.startedAt(container),
    }));
  }

  /** @throws ProvisionError when the image is missing, the network, the permission, ... */
  async start(count: number, signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const { baseId, drainMs } = this.#options;
    const seconds = this.#seconds(drainMs);
    const specOf = (id: string) => containerSpec(id, this.#options, this.#marks, seconds);
    const parts = { engine: this.#engine, books: this.#books, chores: this.#chores };
    await this.#chores.during(startContainers(count, { ...parts, baseId, specOf }, either));
  }

  /** @throws ProvisionError when the engine refuses to stop one; the others are told all the same. */
  async retire(workerIds: readonly string[], drainMs: number, signal: AbortSignal): Promise<void> {
    const told = new Set(workerIds);
    const alive = await this.#books.look(signal);
    const chosen = alive.filter(({ name }) => told.has(name));
    const objections = await Promise.all(chosen.map((each) => this.#objection(each, drainMs)));
    const objection = objections.find((each) => each !== undefined);
    if (objection !== undefined) throw objection;
  }

  onExit(listener: (exit: WorkerExit) => void): () => void {
    this.#listeners.add(listener);
    const { say, retryMs } = this.#options;
    const opened = () => void this.#chores.during(this.#lookAgain());
    this.#watch ??= watchDocker(
      { engine: this.#engine, opened, died: (death) => this.#books.died(death), say, retryMs },
      this.#closing.signal,
    );
    return () => void this.#listeners.delete(listener);
  }

  /** Starts nothing more, waits for those that leave, and with `onClose: "drain"` makes all of them leave. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new ProvisionError("the provisioner is closed"));
    await this.#chores.settled();
    if (this.#options.onClose === "drain") await this.#stopAll();
    await Promise.all(this.#leaving.values());
    await this.#chores.settled();
    await this.#watch;
  }

  async #stopAll(): Promise<void> {
    const { drainMs, say } = this.#options;
    try {
      const alive = await this.#books.look(this.#chores.signal());
      for (const container of alive) void this.#stop(container, drainMs);
    } catch (error) {
      say(`workers may be left running: ${(error as Error).message}`);
    }
  }

  /** The engine answers a stop only once the worker has left; an objection comes at once. */
  async #objection(container: Container, drainMs: number): Promise<Error | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.#options.objectionMs);
    });
    const objection = await Promise.race([this.#stop(container, drainMs), silence]);
    clearTimeout(timer);
    return objection;
  }

  #stop(container: Container, drainMs: number): Promise<Error | undefined> {
    const stopped = this.#leaving.get(container.id) ?? this.#stopped(container, drainMs);
    this.#leaving.set(container.id, stopped);
    return stopped;
  }

  async #stopped(container: Container, drainMs: number): Promise<Error | undefined> {
    const seconds = this.#seconds(drainMs);
    try {
      const signal = this.#chores.signal(seconds * 1_000);
      const wasRunning = await this.#engine.stop(container, seconds, signal);
      if (!wasRunning) await this.#chores.remove(container);
      await this.#lookAgain();
      return undefined;
    } catch (error) {
      this.#options.say((error as Error).message);
      return error as Error;
    } finally {
      this.#leaving.delete(container.id);
    }
  }

  #seconds(drainMs: number): number {
    return Math.ceil((drainMs + this.#options.closeMs) / 1_000);
  }

  async #lookAgain(): Promise<void> {
    const failed = (error: Error) => this.#options.say(error.message);
    await this.#books.look(this.#chores.signal()).catch(failed);
  }

  #ended({ id, name }: Named, code: number | null): void {
    const how = code === null ? "nobody knows how" : `code ${code}`;
    const told = this.#leaving.has(id);
    const expected = told || code === 0;
    if (!expected) this.#options.say(`worker ${name} ended (${how})`);
    for (const listener of this.#listeners)
      listener({ workerId: name, code, signal: null, how, expected, told });
    void this.#chores.during(this.#chores.tidy());
  }
}
