import type { Bus } from "../../bus/connect.ts";
import type { WorkerStateEvent } from "../../messages/worker.ts";

export interface HealthyWorkers {
  /** Resolves once each of the workers has been announced as healthy. */
  readonly all: Promise<void>;
  close(): void;
}

/** Listens from now on; call it before the workers are started. */
export function healthyWorkers(
  { nc, names }: Pick<Bus, "nc" | "names">,
  ids: readonly string[],
): HealthyWorkers {
  const missing = new Set(ids);
  let resolveAll = () => {};
  const all = new Promise<void>((resolve) => {
    resolveAll = resolve;
  });
  const subscription = nc.subscribe(names.workerState("*"), {
    callback: (error, msg) => {
      if (error !== null) return;
      const { workerId, to } = msg.json<WorkerStateEvent>();
      if (to === "healthy") missing.delete(workerId);
      if (missing.size === 0) resolveAll();
    },
  });
  if (missing.size === 0) resolveAll();
  return { all, close: () => subscription.unsubscribe() };
}
