import { spent } from "./docker-container.ts";
import type { DockerEngine, Named } from "./docker-engine.ts";

export interface DockerChoresOptions {
  readonly engine: DockerEngine;
  /** One line for people. */
  readonly say: (line: string) => void;
  /** How long one call may take. */
  readonly callMs: number;
}

/** What is done at an engine while no caller waits for it: closing does. */
export class DockerChores {
  readonly #options: DockerChoresOptions;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(options: DockerChoresOptions) {
    this.#options = options;
  }

  signal(extraMs = 0): AbortSignal {
    return AbortSignal.timeout(this.#options.callMs + extraMs);
  }

  /** The same, and known to `settled` until it is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  /** Never rejects: what is left behind is told. */
  async remove(container: Named): Promise<void> {
    const { engine, say } = this.#options;
    try {
      await engine.remove(container, this.signal());
    } catch (error) {
      say(`container ${container.name} is left behind: ${(error as Error).message}`);
    }
  }

  /** Removes containers that have ended. */
  async tidy(): Promise<void> {
    const listed = await this.#options.engine.list(this.signal()).catch(() => []);
    await Promise.all(spent(listed).map((container) => this.remove(container)));
  }

  /** Removes a container that may have been created, and was not started. */
  async removeUnstarted(workerId: string): Promise<void> {
    const listed = await this.#options.engine.list(this.signal()).catch(() => []);
    const found = listed.find(({ name, state }) => name === workerId && state === "created");
    if (found !== undefined) await this.remove(found);
  }
}
