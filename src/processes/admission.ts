import type { Bus } from "../bus/connect.ts";
import type { WorkerRegistry } from "../bus/worker-registry.ts";
import type { RegisterMessage, RegisterReply, WorkerControl } from "../messages/worker.ts";
import type { Announcer } from "./announcer.ts";
import type { Fleet } from "./fleet.ts";
import type { ProcessLog } from "./process-log.ts";

export interface AdmissionOptions {
  readonly bus: Bus;
  readonly registry: WorkerRegistry;
  readonly announcer: Announcer;
  readonly fleet: Fleet;
  readonly heartbeatIntervalMs: number;
  readonly ackWaitMs: number;
  readonly ping: (workerId: string) => void;
  readonly log: ProcessLog;
}

/** Answers a worker that asks to be taken in. */
export async function admitWorker(
  registration: RegisterMessage,
  options: AdmissionOptions,
): Promise<RegisterReply> {
  const { registry, announcer, fleet, heartbeatIntervalMs, ackWaitMs, log } = options;
  const { workerId, incarnation } = registration;
  const admission = await registry.admit(registration, new Date().toISOString());
  if (!admission.accepted) {
    log.warn({ workerId, incarnation, reason: admission.reason }, "registration refused");
    return { accepted: false, reason: admission.reason, heartbeatIntervalMs, config: {} };
  }
  const { entry, evicted } = admission;
  announcer.admitted(entry, evicted);
  // The older process may still be there: it shares the subject, and obeys only its own incarnation.
  if (evicted !== undefined) {
    const reason = "a newer incarnation has registered";
    const old = evicted.registration.incarnation;
    orderWorker(options.bus, workerId, { action: "shutdown", incarnation: old, reason });
  }
  fleet.join(entry);
  options.ping(workerId);
  log.info({ workerId, incarnation }, "worker admitted");
  const interval = registration.heartbeatIntervalMs ?? heartbeatIntervalMs;
  return { accepted: true, heartbeatIntervalMs: interval, config: { ackWaitMs } };
}

/** Sends a command to a worker. Nothing comes back: what it does is seen in its beats. */
export function orderWorker(bus: Bus, workerId: string, order: WorkerControl): void {
  bus.nc.publish(bus.names.workerControl(workerId), JSON.stringify(order));
}
