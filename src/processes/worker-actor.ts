import type { workerWith } from "../../actors/worker-effects.ts";
import { type LiveWorkerState, manifestOf, type WorkerEvent } from "../../actors/worker-events.ts";
import type { WorkerContext } from "../../actors/worker-facts.ts";
import { postponeMs } from "../../actors/worker-rules.ts";
import { recoveredInput } from "../../actors/worker-view.ts";
import type { RegistryEntry } from "../bus/worker-registry.ts";
import { quarantineAt, quarantineText } from "../domain/conduct.ts";
import type { FleetOptions } from "./fleet-options.ts";

/** Begins to watch a worker, in the state that it was last known to be in. */
export function startWorkerActor(
  { registration, conduct, reasons }: RegistryEntry,
  state: LiveWorkerState,
  machine: ReturnType<typeof workerWith>,
  {
    kernel,
    now,
    heartbeatIntervalMs: usualMs,
  }: Pick<FleetOptions, "kernel" | "now" | "heartbeatIntervalMs">,
) {
  const quarantine = quarantineAt(conduct, now());
  const { workerId, incarnation, heartbeatIntervalMs = usualMs } = registration;
  const input = {
    workerId,
    incarnation,
    manifest: manifestOf(registration, heartbeatIntervalMs),
    now: () => kernel.clock.now(),
    recovered: state === "registering" ? undefined : { state, reasons },
    quarantine: quarantine && {
      forMs: Date.parse(quarantine.until) - now(),
      reason: quarantineText(quarantine),
    },
  };
  const ref = kernel.start<WorkerEvent, typeof input, WorkerContext>({
    address: `worker/${workerId}`,
    parent: "supervisor",
    incarnation,
    machine,
    input,
    postponeMs,
    recover: (context) => ({ ...input, ...recoveredInput(context) }) as typeof input,
  });
  return { ref, workerId };
}
