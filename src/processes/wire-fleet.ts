import type { Bus } from "../bus/connect.ts";
import { FleetLink } from "../bus/fleet-link.ts";
import { type Admission, orderWorker } from "./admission.ts";
import type { Announcer } from "./announcer.ts";
import type { Dispatching } from "./dispatching.ts";
import { Fleet } from "./fleet.ts";
import type { MessageRefusals } from "./message-refusals.ts";
import type { ProcessLog } from "./process-log.ts";
import type { Supervision } from "./supervision.ts";

/** What the fleet is connected with. */
export interface FleetWiring {
  readonly control: Bus;
  readonly dispatching: Dispatching;
  readonly supervision: Supervision;
  readonly announcer: Announcer;
  readonly refusals: MessageRefusals;
  /** Asked for late: it and the fleet know each other. */
  readonly admission: () => Admission;
  readonly heartbeatIntervalMs: number;
  readonly drainTimeoutMs: number;
  readonly log: ProcessLog;
  readonly fault: (error: unknown, what: string) => void;
}

/** The fleet, with what follows from what it notices. */
export function wireFleet(wiring: FleetWiring): Fleet {
  const { control, dispatching, supervision, announcer, refusals, log, fault } = wiring;
  const { heartbeatIntervalMs, drainTimeoutMs } = wiring;
  return new Fleet({
    kernel: supervision.kernel,
    now: Date.now,
    inFlightOf: (workerId) => dispatching.inFlightOf(workerId),
    assignedBefore: (workerId, before) => dispatching.assignments.assignedBefore(workerId, before),
    notHeld: (workerId, ids) => {
      log.warn({ workerId, executionIds: ids }, "worker does not hold what it was given");
      dispatching.outcomes.notHeld(workerId, ids);
    },
    doubt: (reason) => supervision.doubt(reason),
    direct: (workerId) => dispatching.askToDirect(workerId),
    drainTimeoutMs,
    freeze: () => supervision.freeze,
    heartbeatIntervalMs,
    announce: (change) => announcer.changed(change),
    redistribute: ({ workerId, text, clean }) => {
      const loss = { reason: text, isDeath: !clean };
      const redistributed = dispatching.workerLost(workerId, loss);
      log.info({ workerId, reason: text, redistributed }, "worker left");
      dispatching.poke();
    },
    sendDrain: ({ workerId, incarnation, reason, deadlineMs }) =>
      orderWorker(control, workerId, { action: "drain", incarnation, reason, deadlineMs }),
    stranger: (workerId) => orderWorker(control, workerId, { action: "register" }),
    outdated: (workerId, incarnation) =>
      void wiring
        .admission()
        .outdated(workerId, incarnation)
        .catch((error: unknown) => fault(error, "outdated worker")),
    refused: (refusal) => refusals.note(refusal),
    escalated: (reason) => log.error({ reason }, "the fleet is in trouble"),
    fault,
  });
}

/** What workers send, to whom it concerns. */
export function wireLink(
  { control, dispatching, refusals, admission }: FleetWiring,
  fleet: Fleet,
): FleetLink {
  return new FleetLink(control, {
    register: (registration) => admission().admit(registration),
    heartbeat: (beat) =>
      dispatching.noticing(beat.workerId, () => fleet.heartbeat(beat, Date.now())),
    done: (done) => {
      dispatching.receive(done);
      fleet.done(done);
      dispatching.poke();
    },
    bye: (bye) => fleet.bye(bye),
    refused: (refusal) => refusals.note(refusal),
  });
}
