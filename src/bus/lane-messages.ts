import type { Bus } from "./connect.ts";
import { headersOf } from "./foreign.ts";
import type { LaneMessage, LanePlace } from "./intake.ts";
import { storedMessage } from "./stored-message.ts";

/** The message at a place, as published; undefined once it has been acked. */
export async function readLaneMessage(
  bus: Pick<Bus, "jsm">,
  place: LanePlace,
): Promise<LaneMessage | undefined> {
  const stored = await storedMessage(bus, place.stream, { seq: place.sequence });
  if (stored === undefined) return undefined;
  return { ...place, data: stored.data, headers: headersOf({ headers: stored.header }) };
}
