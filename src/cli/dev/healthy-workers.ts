import type { Bus } from "../../bus/connect.ts";
import type { WorkerStateEvent } from "../../messages/worker.ts";
import type { Fleet } from "../../processes/fleet.ts";

export interface HealthyWorkers {
  /** Resolves once so many workers have been announced as healthy. */
  readonly enough: Promise<void>;
  /** Those that were, in the order in which they came. */
  readonly ids: readonly string[];
  close(): void;
}

/** Counts those that are healthy by now as well. */
export function healthyWorkers(
  { nc, names }: Pick<Bus, "nc" | "names">,
  fleet: Pick<Fleet, "members">,
  count: number,
): HealthyWorkers {
  const healthy = fleet.members().filter(({ standing }) => standing.state === "healthy");
  const ids = healthy.map(({ registration }) => registration.workerId);
  let tellEnough = () => {};
  const enough = new Promise<void>((resolve) => {
    tellEnough = resolve;
  });
  const subscription = nc.subscribe(names.workerState("*"), {
    callback: (error, msg) => {
      if (error !== null) return;
      const { workerId, to } = msg.json<WorkerStateEvent>();
      if (to === "healthy" && !ids.includes(workerId)) ids.push(workerId);
      if (ids.length >= count) tellEnough();
    },
  });
  if (ids.length >= count) tellEnough();
  return { enough, ids, close: () => subscription.unsubscribe() };
}
