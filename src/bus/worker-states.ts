import { headers as newHeaders } from "nats";
import type { WorkerStateEvent } from "../messages/worker.ts";
import type { Bus } from "./connect.ts";
import { publishStored } from "./publish.ts";

const encoder = new TextEncoder();

/** Publishes a change of a worker's state on `workers.<id>.state`, with CloudEvents headers (binary mode). */
export async function publishWorkerState(bus: Bus, event: WorkerStateEvent): Promise<void> {
  const id = `${event.workerId}-${event.incarnation}-${event.to}-${event.at}`;
  const head = newHeaders();
  head.set("Nats-Msg-Id", id);
  head.set("ce-specversion", "1.0");
  head.set("ce-type", "io.batuta.worker.state.v1");
  head.set("ce-source", `/workers/${event.workerId}`);
  head.set("ce-id", id);
  head.set("ce-time", event.at);
  head.set("ce-subject", event.workerId);
  const body = encoder.encode(JSON.stringify(event));
  await publishStored(bus, bus.names.workerState(event.workerId), body, head);
}
