import { DiscardPolicy } from "@nats-io/jetstream";
import { LANES } from "../domain/lane.ts";
import type { StreamLevel } from "../domain/stream-room.ts";
import type { Bus } from "./connect.ts";

/** How full the streams are that work comes in by and that outcomes go to. */
export function streamLevels(bus: Pick<Bus, "jsm" | "names">): Promise<StreamLevel[]> {
  const { flows, results, dead } = bus.names.streams;
  const streams = [...LANES.map((lane) => flows[lane]), results, dead];
  return Promise.all(
    streams.map(async (stream) => {
      const { state, config } = await bus.jsm.streams.info(stream);
      return {
        stream,
        messages: state.messages,
        bytes: state.bytes,
        maxMessages: config.max_msgs,
        maxBytes: config.max_bytes,
        refuses: config.discard === DiscardPolicy.New,
      };
    }),
  );
}
