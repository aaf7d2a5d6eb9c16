import { LANES, type Lane } from "../domain/lane.ts";
import { DISPATCH_CONSUMER } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";

export interface LaneStats {
  readonly lane: Lane;
  readonly stream: string;
  /** Waiting in the lane. */
  readonly pending: number;
  /** Handed out and not acked: running, or waiting out a delay. */
  readonly inFlight: number;
  readonly deadLetters: number;
  /** How long the oldest waiting message has waited; null when none waits. */
  readonly oldestAgeMs: number | null;
}

/**
 * How full each lane is. From the consumer and not from the stream's own count: an old server was
 * seen to resurrect acked messages in the stream after a crash (research/nats.md 3.1).
 */
export async function laneStats(bus: Bus, now: number): Promise<LaneStats[]> {
  const dead = await deadLetterCounts(bus);
  return Promise.all(LANES.map((lane) => statsOf(bus, lane, dead[lane], now)));
}

/** How deep a lane is, for those who ask every second. */
export interface LaneDepth {
  readonly lane: Lane;
  /** Waiting in the lane. */
  readonly pending: number;
  /** Handed out and not acked. */
  readonly inFlight: number;
  /** The sequence of the last message that was handed out. */
  readonly deliveredSequence: number;
}

export function laneDepths(bus: Bus): Promise<LaneDepth[]> {
  return Promise.all(LANES.map((lane) => laneDepth(bus, lane)));
}

async function laneDepth(bus: Bus, lane: Lane): Promise<LaneDepth> {
  const stream = bus.names.streams.flows[lane];
  const consumer = await bus.jsm.consumers.info(stream, DISPATCH_CONSUMER);
  return {
    lane,
    pending: consumer.num_pending,
    inFlight: consumer.num_ack_pending,
    deliveredSequence: consumer.delivered.stream_seq,
  };
}

async function statsOf(bus: Bus, lane: Lane, deadLetters: number, now: number): Promise<LaneStats> {
  const stream = bus.names.streams.flows[lane];
  const depth = await laneDepth(bus, lane);
  const { pending, inFlight } = depth;
  return {
    lane,
    stream,
    pending,
    inFlight,
    deadLetters,
    oldestAgeMs: await oldestAgeMs(bus, depth, now),
  };
}

/** How long the oldest message that waits in a lane has waited; null when none waits. */
export async function oldestAgeMs(
  bus: Bus,
  { lane, pending, deliveredSequence }: LaneDepth,
  now: number,
): Promise<number | null> {
  if (pending === 0) return null;
  const oldestAt = await firstWaitingAt(bus, bus.names.streams.flows[lane], deliveredSequence + 1);
  return oldestAt === null ? null : Math.max(0, now - oldestAt);
}

/** When the first message at or after a sequence was stored; the stream's first if that one is gone. */
async function firstWaitingAt(bus: Bus, stream: string, sequence: number): Promise<number | null> {
  try {
    const stored = await bus.jsm.streams.getMessage(stream, { seq: sequence });
    if (stored !== null) return stored.time.getTime();
  } catch {
    // It was taken or expired between the two calls.
  }
  const { state } = await bus.jsm.streams.info(stream);
  return state.messages === 0 ? null : Date.parse(state.first_ts);
}

async function deadLetterCounts(bus: Bus): Promise<Record<Lane, number>> {
  const counts = await Promise.all(
    LANES.map(async (lane) => {
      const info = await bus.jsm.streams.info(bus.names.streams.dead, {
        subjects_filter: bus.names.dead(lane, "*"),
      });
      const bySubject = Object.values(info.state.subjects ?? {});
      return [lane, bySubject.reduce((sum, count) => sum + count, 0)] as const;
    }),
  );
  return Object.fromEntries(counts) as Record<Lane, number>;
}
