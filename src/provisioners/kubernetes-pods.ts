import { isWorkerId } from "../domain/ids.ts";
import type { ProvisionedWorker } from "./provisioner.ts";

/** Pods with a lower one go first when replicas are lowered; those without have 0. */
export const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
/** Of a pod that is to go. */
export const RETIRED_COST = "-1000";

/** A pod of the Deployment that is not gone. */
export interface WorkerPod {
  readonly name: string;
  readonly createdAt: number;
  /** Kubernetes is ending it. */
  readonly isTerminating: boolean;
  /** It was chosen to go first. */
  readonly isMarked: boolean;
  /** Why it does not run, as the cluster puts it. */
  readonly trouble: string | undefined;
}

interface RawPod {
  metadata?: {
    name?: unknown;
    creationTimestamp?: unknown;
    deletionTimestamp?: unknown;
    annotations?: Record<string, unknown>;
    ownerReferences?: { kind?: unknown; name?: unknown; controller?: unknown }[];
  };
  status?: {
    phase?: unknown;
    conditions?: { type?: unknown; status?: unknown; reason?: unknown; message?: unknown }[];
    containerStatuses?: { state?: { waiting?: { reason?: unknown; message?: unknown } } }[];
  };
}

/**
 * The pods of a Deployment in what the API server lists under its selector: once each, without those that
 * have ended and those that others own. Undefined where this is no list of pods.
 */
export function podsOf(body: unknown, deployment: string): readonly WorkerPod[] | undefined {
  const { items } = (body ?? {}) as { items?: unknown };
  if (!Array.isArray(items)) return undefined;
  const pods = items.flatMap((item) => podOf(item as RawPod | null, deployment));
  return [...new Map(pods.map((pod) => [pod.name, pod])).values()];
}

function podOf(raw: RawPod | null, deployment: string): WorkerPod[] {
  const { metadata = {}, status = {} } = raw ?? {};
  const { name, creationTimestamp, deletionTimestamp, annotations = {} } = metadata;
  // What is no worker id cannot have registered; it would only be counted for ever as one to come.
  if (!isWorkerId(name) || !isOwnedBy(metadata.ownerReferences, deployment)) return [];
  if (status.phase === "Succeeded" || status.phase === "Failed") return [];
  const createdAt = Date.parse(String(creationTimestamp));
  return [
    {
      name,
      createdAt: Number.isNaN(createdAt) ? 0 : createdAt,
      isTerminating: deletionTimestamp !== undefined && deletionTimestamp !== null,
      isMarked: annotations[DELETION_COST] === RETIRED_COST,
      trouble: troubleOf(status),
    },
  ];
}

/** A Deployment owns ReplicaSets, named after it, and these own the pods. */
function isOwnedBy(
  owners: NonNullable<RawPod["metadata"]>["ownerReferences"],
  deployment: string,
): boolean {
  if (!Array.isArray(owners)) return false;
  return owners.some(({ kind, name }) => {
    const hash = String(name).slice(deployment.length + 1);
    return kind === "ReplicaSet" && name === `${deployment}-${hash}` && /^[a-z0-9]+$/.test(hash);
  });
}

/** Being created is no trouble. */
const ON_ITS_WAY = ["ContainerCreating", "PodInitializing"];

function troubleOf({ conditions, containerStatuses }: NonNullable<RawPod["status"]>) {
  const waits = (containerStatuses ?? []).map(({ state }) => state?.waiting);
  const wait = waits.find((each) => each && !ON_ITS_WAY.includes(String(each.reason)));
  const unscheduled = (conditions ?? []).find(
    ({ type, status }) => type === "PodScheduled" && status === "False",
  );
  const found = wait ?? unscheduled;
  return found && [found.reason, found.message].filter(Boolean).join(": ");
}

/** The pods that stay on the books: Kubernetes counts those that it is ending no more. */
function liveOf(pods: readonly WorkerPod[]): readonly WorkerPod[] {
  return pods.filter(({ isTerminating }) => !isTerminating);
}

/** How many pods are about to be ended, replicas having been lowered. */
function surplusOf(pods: readonly WorkerPod[], replicas: number): number {
  return Math.max(0, liveOf(pods).length - replicas);
}

/** As many workers as settings can ask for; replicas may be any number that somebody has written. */
const MAX_AWAITED = 10_000;

/**
 * The workers that there are: the pods, and one for each replica that has none yet. Without the latter a
 * scale-up would be repeated until its pods show up.
 */
export function workersOf(
  pods: readonly WorkerPod[],
  replicas: number,
  deployment: string,
  now: number,
): readonly ProvisionedWorker[] {
  const live = liveOf(pods);
  const going = new Set(firstToGo(live).slice(0, surplusOf(pods, replicas)));
  const known = pods.map((pod) => ({
    workerId: pod.name,
    handle: pod.name,
    leaving: pod.isTerminating || going.has(pod),
    startedAt: pod.createdAt,
  }));
  const awaited = Math.min(MAX_AWAITED, Math.max(0, replicas - live.length));
  const missing = Array.from({ length: awaited }, (_, index) => ({
    workerId: `${deployment}_${index + 1}`,
    handle: "no pod yet",
    leaving: false,
    startedAt: now,
  }));
  return [...known, ...missing];
}

function marked(live: readonly WorkerPod[]): readonly WorkerPod[] {
  return live.filter(({ isMarked }) => isMarked);
}

/** Those that were chosen, else the oldest: a rollout replaces them. */
function firstToGo(live: readonly WorkerPod[]): readonly WorkerPod[] {
  const byAge = [...live].sort((one, other) => one.createdAt - other.createdAt);
  return [...marked(byAge), ...byAge.filter(({ isMarked }) => !isMarked)];
}

export interface Growth {
  readonly replicas: number;
  /** Pods that were to go and stay after all: they lose their mark. */
  readonly unmark: readonly string[];
}

/** What has to be written for `count` more workers, and never more than `most`. */
export function growthOf(
  pods: readonly WorkerPod[],
  replicas: number,
  count: number,
  most: number,
): Growth {
  const wanted = Math.max(replicas, Math.min(replicas + count, most));
  const going = surplusOf(pods, wanted);
  const staying = marked(liveOf(pods)).slice(going);
  return { replicas: wanted, unmark: staying.map(({ name }) => name) };
}

export interface Shrinkage {
  readonly replicas: number;
  /** Pods to be marked, before replicas are lowered. */
  readonly mark: readonly string[];
}

/**
 * What has to be written to retire these pods. Those that are gone or going already are passed over; for
 * those that are marked replicas were lowered already, unless that failed, which the surplus tells.
 */
export function shrinkageOf(
  pods: readonly WorkerPod[],
  replicas: number,
  workerIds: readonly string[],
): Shrinkage {
  const ids = new Set(workerIds);
  const asked = liveOf(pods).filter(({ name }) => ids.has(name));
  const fresh = asked.filter(({ isMarked }) => !isMarked);
  const again = asked.length - fresh.length;
  const owed = fresh.length + Math.max(0, again - surplusOf(pods, replicas));
  return { replicas: Math.max(0, replicas - owed), mark: fresh.map(({ name }) => name) };
}
