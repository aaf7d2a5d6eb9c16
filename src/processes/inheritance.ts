import type { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { Leadership } from "../bus/leadership.ts";
import { Peers } from "../bus/peers.ts";
import type { Lane } from "../domain/lane.ts";
import type { ProcessLog } from "./process-log.ts";
import { TakeOver } from "./take-over.ts";

export interface InheritanceOptions {
  readonly orchestratorId: string;
  readonly data: Bus;
  readonly control: Bus;
  readonly assignments: Assignments;
  /** Stream sequences of the messages of a lane that this orchestrator holds. */
  readonly own: (lane: Lane) => readonly number[];
  readonly workerIds: () => readonly string[];
  readonly leadership: () => Leadership | undefined;
  readonly ackWaitMs: number;
  readonly log: ProcessLog;
  readonly fault: (error: unknown, what: string) => void;
}

/** Everybody who was cut off by the same trouble is connected again by then, and says what it holds. */
const RECONNECTED_MS = 3_000;
/** Not all at once: what two hand back at the same time may run twice for nothing. */
const AFTER_THE_FIRST_MS = 3_000;

/**
 * Watches the other orchestrators. The first of those that are there sees to what one that is gone
 * has left behind (ADR 0006): its books, and its lease. So it does with what was on its way to this
 * one when its connection for work was cut.
 */
export function watchPeers(options: InheritanceOptions): Peers {
  const { orchestratorId: id, data, control, own, leadership, log, fault } = options;
  const theirs = (lane: Lane) => peers.held(lane);
  const takeOver = new TakeOver(data, { ...options, peers: theirs });
  const inherit = (reason: string) => {
    if (peers.isFirst) void takeOver.run(reason);
  };
  const peers = new Peers(control, id, {
    held: own,
    gone: (orchestratorId) => {
      log.info({ orchestratorId }, "another orchestrator is gone");
      inherit(`${orchestratorId} is gone`);
      const expelled = leadership()?.expel(orchestratorId);
      expelled?.catch((error: unknown) => fault(error, "lease of a peer that is gone"));
    },
    settled: () => inherit("started"),
    fault,
  });
  const rejoined = () => void takeOver.run("the connection for work was lost");
  void eachReconnect(data, () => {
    setTimeout(rejoined, RECONNECTED_MS + (peers.isFirst ? 0 : AFTER_THE_FIRST_MS)).unref();
  });
  return peers;
}

async function eachReconnect({ nc }: Bus, reconnected: () => void): Promise<void> {
  for await (const { type } of nc.status()) if (type === "reconnect") reconnected();
}
