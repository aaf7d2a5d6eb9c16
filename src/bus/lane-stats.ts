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

async function statsOf(bus: Bus, lane: Lane, deadLetters: number, now: number): Promise<LaneStats> {
  const stream = bus.names.streams.flows[lane];
  const consumer = await bus.jsm.consumers.info(stream, DISPATCH_CONSUMER);
  const pending = consumer.num_pending;
  const oldestAt =
    pending === 0 ? null : await firstWaitingAt(bus, stream, consumer.delivered.stream_seq + 1);
  return {
    lane,
    stream,
    pending,
    inFlight: consumer.num_ack_pending,
    deadLetters,
    oldestAgeMs: oldestAt === null ? null : Math.max(0, now - oldestAt),
  };
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
