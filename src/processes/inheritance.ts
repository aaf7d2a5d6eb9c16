import type { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { Leadership } from "../bus/leadership.ts";
import { Peers } from "../bus/peers.ts";
import type { Lane } from "../domain/lane.ts";
import type { Pauses } from "./pauses.ts";
import type { ProcessLog } from "./process-log.ts";
import { TakeOver } from "./take-over.ts";

export interface InheritanceOptions {
  readonly orchestratorId: string;
  readonly data: Bus;
  readonly control: Bus;
  readonly assignments: Assignments;
  readonly pauses: Pauses;
  readonly workerIds: () => readonly string[];
  readonly leadership: () => Leadership | undefined;
  readonly ackWaitMs: number;
  readonly log: ProcessLog;
  readonly fault: (error: unknown, what: string) => void;
}

/**
 * Watches the other orchestrators. The first of those that are there sees to what one that is gone
 * has left behind (ADR 0006): its books, and its lease.
 */
export function watchPeers(options: InheritanceOptions): Peers {
  const { orchestratorId: id, data, control, assignments, pauses, log, fault } = options;
  // What is paused and away is not to be mistaken for what nobody holds.
  const own = (lane: Lane) => [...assignments.sequencesOf(lane), ...pauses.sequencesOf(lane)];
  const takeOver = new TakeOver(data, {
    ...options,
    own,
    peers: (lane) => peers.held(lane),
    adopted: (executionId) => pauses.adopted(executionId),
  });
  const inherit = (reason: string) => {
    if (peers.isFirst) void takeOver.run(reason);
  };
  const peers = new Peers(control, id, {
    held: own,
    gone: (orchestratorId) => {
      log.info({ orchestratorId }, "another orchestrator is gone");
      inherit(`${orchestratorId} is gone`);
      const expelled = options.leadership()?.expel(orchestratorId);
      expelled?.catch((error: unknown) => fault(error, "lease of a peer that is gone"));
    },
    settled: () => inherit("started"),
    fault,
  });
  return peers;
}
