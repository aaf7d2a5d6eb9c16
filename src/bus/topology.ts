import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { ConfigError } from "../domain/errors.ts";
import { LANES } from "../domain/lane.ts";
import { isAtLeast } from "../domain/server-version.ts";
import { type BusNames, DISPATCH_CONSUMER, type KvBucket } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";
import { growOnly } from "./topology-merge.ts";

export interface TopologyOptions {
  /** Copies of each stream and bucket in a cluster; 1 by default. */
  readonly replicas?: number;
  /** Redelivery timer of a task that nobody extends; 30 s by default. */
  readonly ackWaitMs?: number;
  /** Beats are kept for three of these; 15 s by default, the slowest interval in use. */
  readonly heartbeatIntervalMs?: number;
}

type Wanted = Partial<StreamConfig> & { readonly name: string };

/** Works from here on; tested on it (research/nats.md 0.2). */
const OLDEST_SERVER = "2.9.10";

/** Older servers accept this setting and silently drop it, so it is not even asked of them. */
const METADATA_SINCE = "2.10.0";

const SECOND_NS = 1_000_000_000;
const DAY_NS = 86_400 * SECOND_NS;

/** At least twice the slots of the fleet (contract C3): hitting this limit is silent. */
const MAX_ACK_PENDING = 50_000;

/** Every stream of contract B2. */
export function wantedStreams(names: BusNames, options: TopologyOptions = {}): Wanted[] {
  const replicas = options.replicas ?? 1;
  const beatNs = (options.heartbeatIntervalMs ?? 15_000) * 1_000_000;
  const file = { storage: StorageType.File, num_replicas: replicas, allow_direct: true } as const;
  const limits = {
    ...file,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
  } as const;
  return [
    ...LANES.map((lane) => ({
      ...file,
      name: names.streams.flows[lane],
      subjects: [names.execute(lane)],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_msgs: 10_000_000,
      duplicate_window: 120 * SECOND_NS,
    })),
    {
      ...limits,
      name: names.streams.results,
      subjects: [names.result("*")],
      max_msgs_per_subject: 1,
      max_age: DAY_NS,
      max_msgs: 1_000_000,
    },
    { ...limits, name: names.streams.journal, subjects: [names.journal("*")], max_age: 7 * DAY_NS },
    {
      ...limits,
      name: names.streams.dead,
      subjects: LANES.map((lane) => names.dead(lane, "*")),
      max_age: 30 * DAY_NS,
    },
    {
      ...limits,
      name: names.streams.states,
      subjects: [names.workerState("*")],
      max_msgs_per_subject: 64,
      max_age: 7 * DAY_NS,
    },
    {
      ...limits,
      name: names.streams.decisions,
      subjects: [names.decision("*")],
      max_age: DAY_NS,
      max_msgs: 1_000_000,
    },
    {
      ...limits,
      storage: StorageType.Memory,
      name: names.streams.heartbeats,
      subjects: [names.heartbeat("*")],
      max_msgs_per_subject: 1,
      max_age: 3 * beatNs,
    },
  ];
}

/** The durable pull consumer of one lane, shared by every orchestrator. */
function wantedConsumer(
  names: BusNames,
  lane: (typeof LANES)[number],
  options: TopologyOptions,
): Partial<ConsumerConfig> {
  return {
    durable_name: DISPATCH_CONSUMER,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    filter_subject: names.execute(lane),
    ack_wait: (options.ackWaitMs ?? 30_000) * 1_000_000,
    // Attempts are counted by us: a finite limit has lost messages (research/nats.md 6.2).
    max_deliver: -1,
    max_ack_pending: MAX_ACK_PENDING,
  };
}

const BUCKETS: Readonly<
  Partial<
    Record<
      KvBucket,
      { readonly ttl?: number; readonly history?: number; readonly storage?: StorageType }
    >
  >
> = {
  workers: { history: 1 },
  leases: { history: 1, ttl: 10_000 },
  executions: { history: 1, ttl: 7 * 86_400_000 },
  config: { history: 8 },
  // Put again in less by each process that lives: what a dead one has left runs out.
  actors: { history: 1, ttl: 300_000, storage: StorageType.Memory },
  machines: { history: 1 },
};

/**
 * Makes every stream, consumer and bucket that Batuta needs, and leaves what is there alone except
 * to grow it: never shrinks, never deletes. Run at start and after each reconnect, since memory
 * streams vanish with a restart of the server. Safe to run from many processes at once.
 *
 * @throws ConfigError when the server is older than 2.9.10.
 */
export async function ensureTopology(bus: Bus, options: TopologyOptions = {}): Promise<void> {
  if (!isAtLeast(bus.serverVersion, OLDEST_SERVER)) {
    throw new ConfigError(
      `nats-server ${bus.serverVersion} is too old: Batuta needs ${OLDEST_SERVER} or newer`,
    );
  }
  for (const wanted of wantedStreams(bus.names, options)) await ensureStream(bus, wanted);
  for (const lane of LANES)
    await ensureConsumer(
      bus,
      bus.names.streams.flows[lane],
      wantedConsumer(bus.names, lane, options),
    );
  for (const [name, settings] of Object.entries(BUCKETS)) {
    const bucket = bus.names.buckets[name as KvBucket];
    const make = () => bus.kvm.create(bucket, { ...settings, replicas: options.replicas ?? 1 });
    await addOnce(make, () => orNotFound(bus.jsm.streams.info(`KV_${bucket}`)));
  }
}

async function ensureStream(bus: Bus, plain: Wanted): Promise<void> {
  const hasMetadata = isAtLeast(bus.serverVersion, METADATA_SINCE);
  const wanted = hasMetadata ? { ...plain, metadata: { "io.batuta.topology": "1" } } : plain;
  const existing = await orNotFound(bus.jsm.streams.info(wanted.name));
  if (existing === undefined) {
    const find = () => orNotFound(bus.jsm.streams.info(wanted.name));
    await addOnce(() => bus.jsm.streams.add(wanted), find);
    return;
  }
  const grown = growOnly(existing.config, wanted);
  if (grown !== undefined) await bus.jsm.streams.update(wanted.name, grown);
}

async function ensureConsumer(
  bus: Bus,
  stream: string,
  wanted: Partial<ConsumerConfig>,
): Promise<void> {
  const existing = await orNotFound(bus.jsm.consumers.info(stream, DISPATCH_CONSUMER));
  if (existing === undefined) {
    const find = () => orNotFound(bus.jsm.consumers.info(stream, DISPATCH_CONSUMER));
    await addOnce(() => bus.jsm.consumers.add(stream, wanted), find);
    return;
  }
  const { max_ack_pending: pending = 0, ack_wait: wait = 0 } = existing.config;
  const larger = (wanted.max_ack_pending ?? 0) > pending;
  if (!larger && wanted.ack_wait === wait) return;
  await bus.jsm.consumers.update(stream, DISPATCH_CONSUMER, {
    max_ack_pending: Math.max(pending, wanted.max_ack_pending ?? 0),
    ack_wait: wanted.ack_wait ?? wait,
  });
}

const RACE_RETRY_MS = 50;
const RACE_ATTEMPTS = 10;

/**
 * Adds what was not there a moment ago. Another process may be adding the same: old servers then
 * answer that the subjects overlap, some time before the other's is to be seen.
 */
async function addOnce(add: () => Promise<unknown>, find: () => Promise<unknown>): Promise<void> {
  try {
    await add();
  } catch (error) {
    for (let attempt = 1; (await find()) === undefined; attempt += 1) {
      if (attempt === RACE_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, RACE_RETRY_MS));
    }
  }
}

async function orNotFound<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}
