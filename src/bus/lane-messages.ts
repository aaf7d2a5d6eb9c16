import { JetStreamApiError } from "@nats-io/jetstream";
import type { Bus } from "./connect.ts";
import { headersOf } from "./foreign.ts";
import type { LaneMessage, LanePlace } from "./intake.ts";

/** The message at a place, as published; undefined once it has been acked. */
export async function readLaneMessage(
  bus: Pick<Bus, "jsm">,
  place: LanePlace,
): Promise<LaneMessage | undefined> {
  try {
    const stored = await bus.jsm.streams.getMessage(place.stream, { seq: place.sequence });
    if (stored === null) return undefined;
    const headers = headersOf({ headers: stored.header });
    return { ...place, data: stored.data, headers };
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}
