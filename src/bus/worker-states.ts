import { HEADERS } from "../messages/subjects.ts";
import type { WorkerStateEvent } from "../messages/worker.ts";
import type { Bus } from "./connect.ts";
import { publishStored } from "./publish.ts";

/** Publishes a change of a worker's state on `workers.<id>.state`, with CloudEvents headers (binary mode). */
export async function publishWorkerState(bus: Bus, event: WorkerStateEvent): Promise<void> {
  const id = `${event.workerId}-${event.incarnation}-${event.to}-${event.at}`;
  await publishStored(bus, bus.names.workerState(event.workerId), JSON.stringify(event), [
    [HEADERS.messageId, id],
    ["ce-specversion", "1.0"],
    ["ce-type", "io.batuta.worker.state.v1"],
    ["ce-source", `/workers/${event.workerId}`],
    ["ce-id", id],
    ["ce-time", event.at],
    ["ce-subject", event.workerId],
  ]);
}
