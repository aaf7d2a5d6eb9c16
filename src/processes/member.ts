import type { WorkerEvent } from "../../actors/worker-events.ts";
import type { WorkerContext } from "../../actors/worker-facts.ts";
import { standingOf, type WorkerStanding } from "../../actors/worker-view.ts";
import type { RegistryEntry } from "../bus/worker-registry.ts";
import type { WorkerCandidate } from "../domain/balancing.ts";
import { type Conduct, type Quarantine, quarantineAt, quarantineText } from "../domain/conduct.ts";
import type { ActorRef } from "../kernel/actor.ts";
import type { Heartbeat, RegisterMessage } from "../messages/worker.ts";

/** A live worker as this orchestrator knows it. */
export interface Member {
  readonly registration: RegisterMessage;
  readonly ref: ActorRef<WorkerEvent, WorkerContext>;
  readonly supports: ReadonlySet<string>;
  /** As of its registration: how its earlier incarnations behaved. */
  readonly conduct: Conduct | undefined;
  /** How its actor has behaved here. */
  readonly faults: Conduct | undefined;
  lastBeat: Heartbeat | undefined;
  lastBeatAt: number | undefined;
  /** Tasks of other orchestrators that it holds, as of its last report. */
  foreign: number;
  /** Tasks that have run there and whose results are being stored, as of its last report. */
  committing: number;
  /** It has agreed to take tasks that the server delivers to it itself. */
  directed: boolean;
  standing: WorkerStanding;
  /** What the balancer knows of it; undefined when that has to be put together anew. */
  candidate: WorkerCandidate | undefined;
  /** When it was given tasks that it turned out not to hold (epoch ms), lately. */
  missing: readonly number[];
}

/** A worker of which nothing has been heard yet. */
export function newMember(
  { registration, conduct }: RegistryEntry,
  ref: Member["ref"],
  faults: Conduct | undefined,
): Member {
  return {
    registration,
    ref,
    supports: new Set(registration.supportedNodeTypes),
    conduct,
    faults,
    lastBeat: undefined,
    lastBeatAt: undefined,
    foreign: 0,
    committing: 0,
    directed: false,
    standing: standingOf(ref.snapshot()),
    candidate: undefined,
    missing: [],
  };
}

/** Why it gets nothing now, however well it looks, and until when. */
export function quarantineOf(member: Member, now: number): Quarantine | undefined {
  const faults = isFaulted(member) ? quarantineAt(member.faults, now) : undefined;
  return faults ?? quarantineAt(member.conduct, now);
}

/** Its actor was given up: nobody watches it. */
export function isFaulted({ ref, faults }: Member): boolean {
  // Asked for each beat: a snapshot is not made for nothing.
  return faults !== undefined && ref.snapshot().status === "faulted";
}

/** One whose actor has failed for good, to be watched again after a while that grows. */
export function faultedMember(member: Member, faults: Conduct): Member {
  const standing = standingOf(member.ref.snapshot());
  const { quarantine } = faults;
  const reasons = quarantine ? [...standing.reasons, quarantineText(quarantine)] : standing.reasons;
  return { ...member, faults, candidate: undefined, standing: { ...standing, reasons } };
}

/** What balancing may know of it. `inFlightOf` is asked anew at each decision: it changes with each. */
export function candidateOf(
  member: Member,
  inFlightOf: (workerId: string) => number,
): WorkerCandidate {
  const { registration, standing, supports } = member;
  const { workerId, pool = "default", capacity } = registration;
  return {
    workerId,
    assignable: standing.assignable,
    healthWeight: standing.weight,
    slots: capacity.maxConcurrentFlows,
    get inFlight() {
      return inFlightOf(workerId) + member.foreign;
    },
    get committing() {
      return Math.min(member.committing, this.inFlight);
    },
    supports,
    pool,
    directed: member.directed,
  };
}
