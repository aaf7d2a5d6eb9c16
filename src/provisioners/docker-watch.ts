import { setTimeout as delay } from "node:timers/promises";
import type { ContainerDeath } from "./docker-container.ts";
import type { DockerEngine } from "./docker-engine.ts";
import { ProvisionError } from "./provisioner.ts";

export interface DockerWatchOptions {
  readonly engine: Pick<DockerEngine, "deaths">;
  /** The engine listens from now on: what happened before has to be asked for. */
  readonly opened: () => void;
  readonly died: (death: ContainerDeath) => void;
  /** One line for people. */
  readonly say: (line: string) => void;
  /** Before the stream is opened again; doubled each time, up to 30 s. */
  readonly retryMs: number;
}

const MAX_RETRY_MS = 30_000;

/** Follows the engine's events until `signal` is aborted, over restarts of the engine. */
export async function watchDocker(
  { engine, opened, died, say, retryMs }: DockerWatchOptions,
  signal: AbortSignal,
): Promise<void> {
  let waitMs = retryMs;
  while (!signal.aborted) {
    try {
      const deaths = await engine.deaths(signal);
      opened();
      if (waitMs > retryMs) say("the Docker engine tells its events again");
      waitMs = retryMs;
      for await (const death of deaths) died(death);
      throw new ProvisionError("the Docker engine ended the stream of its events");
    } catch (error) {
      const reason = (error as Error).message;
      if (!signal.aborted && waitMs === retryMs)
        say(`the ends of containers are not seen at once: ${reason}`);
    }
    // It rejects when it is called off, which the loop sees.
    await delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    waitMs = Math.min(waitMs * 2, MAX_RETRY_MS);
  }
}
