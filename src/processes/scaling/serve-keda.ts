import type { Bus } from "../../bus/connect.ts";
import { requestScaling } from "../../bus/request-scaling.ts";
import type { ScalingView } from "../../messages/scaling.ts";
import type { DesiredWorkers } from "../../provisioners/keda-scaler.ts";
import type { ProcessLog } from "../process-log.ts";

export interface ServeKedaOptions {
  readonly bus: Pick<Bus, "mux" | "names">;
  readonly host: string;
  readonly port: number;
  readonly log: ProcessLog;
}

/** A lane above its watermark is to be answered within 2 s (docs/scaling.md). */
const EVERY_MS = 1_000;

/**
 * Serves KEDA's external scaler until it is disposed of. gRPC is loaded here, by nobody else.
 *
 * @throws ConfigError where gRPC is not installed, or the port cannot be had.
 */
export async function serveKeda(options: ServeKedaOptions): Promise<AsyncDisposable> {
  const { bus, host, port, log } = options;
  const { serveKedaScaler } = await import("../../provisioners/keda-scaler.ts");
  const source = new AskedDesire(() => requestScaling(bus));
  const scaler = await serveKedaScaler({ source, host, port });
  source.start();
  log.info({ host, port: scaler.port }, "KEDA may ask how many workers there are to be");
  return {
    [Symbol.asyncDispose]: async () => {
      source.stop();
      await scaler[Symbol.asyncDispose]();
    },
  };
}

/**
 * How many workers the leader wants, asked once a second: KEDA may ask any orchestrator, and only the
 * leader knows. While none answers nobody knows; an old number would have KEDA end workers.
 */
export class AskedDesire implements DesiredWorkers {
  readonly #ask: () => Promise<Pick<ScalingView, "desiredWorkers">>;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #desired: number | undefined;

  constructor(ask: () => Promise<Pick<ScalingView, "desiredWorkers">>) {
    this.#ask = ask;
  }

  start(): void {
    void this.look();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  desired(): number | undefined {
    return this.#desired;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** One question at a time: a leader that answers slowly must not be asked ever more. */
  async look(): Promise<void> {
    const desired = await this.#ask().then(
      (view) => view.desiredWorkers,
      () => undefined,
    );
    if (this.#isStopped) return;
    const hasChanged = desired !== this.#desired;
    this.#desired = desired;
    if (hasChanged) for (const listener of this.#listeners) listener();
    this.#timer = setTimeout(() => void this.look(), EVERY_MS);
  }
}
