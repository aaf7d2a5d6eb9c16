import type { WorkerCandidate } from "../../src/domain/balancing.ts";

/** An idle, healthy worker of ten slots. */
export function worker(workerId: string, changes: Partial<WorkerCandidate> = {}): WorkerCandidate {
  return {
    workerId,
    assignable: true,
    healthWeight: 1,
    slots: 10,
    inFlight: 0,
    committing: 0,
    supports: new Set(["noop"]),
    pool: "default",
    directed: true,
    ...changes,
  };
}
