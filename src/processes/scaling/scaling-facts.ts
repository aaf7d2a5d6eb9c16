import type { WorkerCandidate } from "../../domain/balancing.ts";
import { PROVISIONER_LABEL } from "../../domain/provisioning.ts";
import type { ScalingFacts, WorkerLoad } from "../../domain/scaling-facts.ts";
import type { ProvisionedWorker } from "../../provisioners/provisioner.ts";
import type { Member } from "../member.ts";

/** What scaling knows of the fleet, from its books and from the provisioner's. */
export interface FleetView {
  readonly members: readonly Member[];
  readonly candidateOf: (workerId: string) => WorkerCandidate | undefined;
  readonly provisioned: readonly ProvisionedWorker[];
}

type FromFleet = Pick<ScalingFacts, "workers" | "starting">;

/** The workers as the decision sees them, and how many are on their way. */
export function fleetFacts({ members, candidateOf, provisioned }: FleetView): FromFleet {
  const own = new Map(provisioned.map((worker) => [worker.workerId, worker]));
  const known = new Set(members.map(({ registration }) => registration.workerId));
  const starting = provisioned.filter(({ workerId, leaving }) => !leaving && !known.has(workerId));
  const workers = members.map((member) => {
    const { workerId } = member.registration;
    return workerLoad(member, candidateOf(workerId), own.get(workerId));
  });
  return { workers, starting: starting.length };
}

function workerLoad(
  { registration, standing }: Member,
  candidate: WorkerCandidate | undefined,
  own: ProvisionedWorker | undefined,
): WorkerLoad {
  const { workerId, capacity, labels = {} } = registration;
  return {
    workerId,
    available: standing.assignable,
    leaving: standing.state === "draining" || own?.leaving === true,
    slots: capacity.maxConcurrentFlows,
    inFlight: candidate?.inFlight ?? 0,
    managed: own !== undefined || labels[PROVISIONER_LABEL] !== undefined,
  };
}
