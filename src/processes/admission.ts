import type { Bus } from "../bus/connect.ts";
import type { RegistryEntry, WorkerRegistry } from "../bus/worker-registry.ts";
import { quarantineAt } from "../domain/conduct.ts";
import type { RefusalReason } from "../domain/refusals.ts";
import type { RegisterMessage, RegisterReply, WorkerControl } from "../messages/worker.ts";
import type { Announcer } from "./announcer.ts";
import { AtMost } from "./at-most.ts";
import type { Fleet } from "./fleet.ts";
import type { MessageRefusals } from "./message-refusals.ts";
import type { ProcessLog } from "./process-log.ts";
import { RegisterGate } from "./register-gate.ts";

export interface AdmissionOptions {
  readonly bus: Bus;
  readonly registry: WorkerRegistry;
  readonly announcer: Announcer;
  readonly fleet: Fleet;
  readonly refusals: MessageRefusals;
  readonly heartbeatIntervalMs: number;
  readonly ackWaitMs: number;
  readonly ping: (workerId: string) => void;
  readonly log: ProcessLog;
}

/** Each needs two answers of the bus: a fleet that starts at once would crowd out all else. */
const ADMITTED_AT_ONCE = 32;

/** Answers workers that ask to be taken in. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #gate = new RegisterGate();
  readonly #inTurn = new AtMost(ADMITTED_AT_ONCE);

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Rejects when the bus does not take it: the worker asks again. */
  async admit(registration: RegisterMessage): Promise<RegisterReply> {
    const { registry, fleet } = this.#options;
    const { workerId } = registration;
    const isMember = fleet.find(workerId) !== undefined;
    const unproven = () => fleet.unproven;
    const refusal = this.#gate.judge(workerId, { isMember, unproven }, Date.now());
    if (refusal !== undefined) {
      const { reason, retryAfterMs } = refusal;
      return { ...this.#refuse(registration, "too_many_registrations", reason), retryAfterMs };
    }
    const admission = await this.#inTurn.run(() =>
      registry.admit(registration, new Date().toISOString()),
    );
    if (!admission.accepted)
      return this.#refuse(registration, "known_incarnation", admission.reason);
    return this.#admitted(admission.entry, admission.evicted);
  }

  /**
   * A process beats whose incarnation is older than the one that is known here. It is told to go, once
   * more, if the registry says so too: what is known here may be behind.
   */
  async outdated(workerId: string, incarnation: string): Promise<void> {
    const entry = await this.#options.registry.find(workerId);
    if (entry === undefined || entry.state === "offline") return;
    if (entry.registration.incarnation > incarnation) this.#evict(incarnation, entry);
  }

  #admitted(entry: RegistryEntry, evicted: RegistryEntry | undefined): RegisterReply {
    const { announcer, fleet, heartbeatIntervalMs, ackWaitMs, ping, log } = this.#options;
    const { registration, conduct } = entry;
    const { workerId, incarnation } = registration;
    announcer.admitted(entry, evicted);
    if (evicted !== undefined) this.#evict(evicted.registration.incarnation, entry);
    fleet.join(entry);
    ping(workerId);
    const quarantine = quarantineAt(conduct, Date.now());
    if (quarantine === undefined) log.info({ workerId, incarnation }, "worker admitted");
    else log.warn({ workerId, incarnation, ...quarantine }, "worker admitted in quarantine");
    const interval = registration.heartbeatIntervalMs ?? heartbeatIntervalMs;
    return { accepted: true, heartbeatIntervalMs: interval, config: { ackWaitMs } };
  }

  /** The older process may still be there: it shares the subject, and obeys only its own incarnation. */
  #evict(incarnation: string, { registration }: RegistryEntry): void {
    const { workerId, hostname, pid } = registration;
    const reason = `process ${pid} on ${hostname} has registered as worker ${workerId}: a newer incarnation`;
    const order = { action: "shutdown", incarnation, reason: reason.slice(0, 200) } as const;
    orderWorker(this.#options.bus, workerId, order);
  }

  #refuse(
    { workerId, incarnation }: RegisterMessage,
    reason: RefusalReason,
    detail: string,
  ): RegisterReply {
    const { refusals, heartbeatIntervalMs } = this.#options;
    refusals.note({ reason, detail, workerId, incarnation });
    return { accepted: false, reason: detail, heartbeatIntervalMs, config: {} };
  }
}

/** Sends a command to a worker. Nothing comes back: what it does is seen in its beats. */
export function orderWorker(bus: Bus, workerId: string, order: WorkerControl): void {
  bus.nc.publish(bus.names.workerControl(workerId), JSON.stringify(order));
}
