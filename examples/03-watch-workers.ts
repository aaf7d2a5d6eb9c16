// Prints every change of a worker's state, until Ctrl-C: `npx tsx examples/03-watch-workers.ts`.
// Start and stop a worker in another terminal (`npx batuta worker --id w1`) to see some.
import { connect } from "nats";

interface WorkerState {
  readonly workerId: string;
  readonly from: string | null;
  readonly to: string;
  readonly reasons: readonly string[];
  readonly inFlight: number;
}

const nc = await connect({ servers: process.env.BATUTA_NATS_URL ?? "nats://127.0.0.1:4222" });
console.log("waiting for workers to change");
for await (const message of nc.subscribe("workers.*.state")) {
  const { workerId, from, to, reasons, inFlight } = message.json<WorkerState>();
  console.log(
    `${workerId}: ${from ?? "new"} -> ${to}, ${inFlight} in flight. ${reasons.join("; ")}`,
  );
}
