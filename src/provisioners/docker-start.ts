import type { DockerBooks } from "./docker-books.ts";
import type { DockerChores } from "./docker-chores.ts";
import { spent } from "./docker-container.ts";
import type { DockerEngine, Named } from "./docker-engine.ts";
import { ProvisionError } from "./provisioner.ts";

export interface DockerStartOptions {
  readonly engine: DockerEngine;
  readonly books: DockerBooks;
  readonly chores: DockerChores;
  readonly baseId: string;
  /** The body of the call that creates the container of this worker. */
  readonly specOf: (workerId: string) => object;
}

/** So many names in a row that others have taken are bad luck no more. */
const MAX_NAMES_TAKEN = 10;

/** Starts so many containers, one after the other: what goes wrong with the first would with all of them. */
export async function startContainers(
  count: number,
  options: DockerStartOptions,
  signal: AbortSignal,
): Promise<void> {
  const { engine, chores } = options;
  const listed = await engine.list(signal);
  const gone = spent(listed);
  await Promise.all(gone.map((container) => chores.remove(container)));
  const taken = new Set(listed.filter((each) => !gone.includes(each)).map(({ name }) => name));
  for (let started = 0; started < count; started += 1) await startOne(taken, options, signal);
}

async function startOne(
  taken: Set<string>,
  options: DockerStartOptions,
  signal: AbortSignal,
): Promise<void> {
  const { baseId, books } = options;
  for (let tries = 0; tries < MAX_NAMES_TAKEN; tries += 1) {
    const name = freeName(baseId, taken);
    taken.add(name);
    const id = await create(name, options, signal);
    if (id !== undefined) return run({ id, name }, options, signal);
    // Another leader has started it just now, or an answer to us was lost.
    const alive = await books.look(signal);
    if (alive.some((each) => each.name === name)) return;
  }
  const names = `${baseId}-… (${MAX_NAMES_TAKEN} tried)`;
  throw new ProvisionError(`other containers have taken the names ${names}; set BATUTA_WORKER_ID`);
}

async function create(
  name: string,
  { engine, chores, specOf }: DockerStartOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return await engine.create(name, specOf(name), signal);
  } catch (error) {
    // Its answer may be what is missing, and not the container.
    if (signal.aborted) void chores.during(chores.removeUnstarted(name));
    throw error;
  }
}

async function run(
  container: Named,
  { engine, books, chores }: DockerStartOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    await engine.start(container, signal);
  } catch (error) {
    const removed = chores.during(chores.remove(container));
    if (!signal.aborted) await removed;
    throw error;
  }
  books.started(container);
}

/** An id is used again once its container is gone: its conduct stays with it. */
function freeName(baseId: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const name = `${baseId}-${number}`;
    if (!taken.has(name)) return name;
  }
}
