import { type Container, type ContainerDeath, isAlive } from "./docker-container.ts";
import type { DockerEngine, Named } from "./docker-engine.ts";
import { ProvisionError } from "./provisioner.ts";

export interface DockerBooksOptions {
  readonly now: () => number;
  readonly engine: DockerEngine;
  /** A container that was alive has ended. Called once for each. */
  readonly ended: (container: Named, exitCode: number | null) => void;
}

/** Which containers are known to live, from the engine's lists and from its events. */
export class DockerBooks {
  readonly #options: DockerBooksOptions;
  readonly #alive = new Map<string, Named>();
  readonly #startedAt = new Map<string, number>();
  /** For each look under way: who died meanwhile. The list that it gets may be older than that. */
  readonly #looks = new Set<Set<string>>();

  constructor(options: DockerBooksOptions) {
    this.#options = options;
  }

  started(container: Named): void {
    this.#alive.set(container.id, container);
    this.#startedAt.set(container.id, this.#options.now());
  }

  /** Epoch milliseconds: by our own clock where we started it, as that of the engine's machine may differ. */
  startedAt({ id, createdAt }: Container): number {
    return this.#startedAt.get(id) ?? createdAt;
  }

  died({ id, exitCode }: ContainerDeath): void {
    for (const died of this.#looks) died.add(id);
    const container = this.#alive.get(id);
    if (container === undefined) return;
    this.#alive.delete(id);
    this.#startedAt.delete(id);
    this.#options.ended(container, exitCode);
  }

  /**
   * Those that live now. Tells of those that lived before and do so no more.
   *
   * @throws ProvisionError when the engine cannot be asked, or contradicts itself.
   */
  async look(signal: AbortSignal): Promise<readonly Container[]> {
    const died = new Set<string>();
    this.#looks.add(died);
    try {
      const alive = (await this.#compared(signal)).filter(({ id }) => !died.has(id));
      for (const container of alive) this.#alive.set(container.id, container);
      return alive;
    } finally {
      this.#looks.delete(died);
    }
  }

  async #compared(signal: AbortSignal): Promise<readonly Container[]> {
    // One that is started while the engine makes its list is rightly missing there.
    const before = [...this.#alive.values()];
    const listed = await this.#options.engine.list(signal);
    const byId = new Map(listed.map((container) => [container.id, container]));
    for (const container of before) {
      const now = byId.get(container.id);
      if (now === undefined) await this.#lookFor(container, signal);
      else if (!isAlive(now)) this.died(now);
    }
    return listed.filter(isAlive);
  }

  /** An engine that hides a worker would have another one started in its place, again and again. */
  async #lookFor(container: Named, signal: AbortSignal): Promise<void> {
    if (!this.#alive.has(container.id)) return;
    if (!(await this.#options.engine.runs(container, signal)))
      return this.died({ ...container, exitCode: null });
    const what = `it does not list container ${container.name}, and says that it runs`;
    throw new ProvisionError(`the Docker engine is not to be believed: ${what}`);
  }
}
