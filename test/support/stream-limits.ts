import { DiscardPolicy } from "@nats-io/jetstream";
import type { Bus } from "../../src/bus/connect.ts";

/** Lets a stream take nothing more, as one does that is full or has no disk; returns how to end that. */
export async function fillUp(bus: Bus, stream: string): Promise<() => Promise<void>> {
  const { config } = await bus.jsm.streams.info(stream);
  const { discard, max_bytes } = config;
  await bus.jsm.streams.update(stream, { discard: DiscardPolicy.New, max_bytes: 1 });
  return async () => {
    await bus.jsm.streams.update(stream, { discard, max_bytes });
  };
}
