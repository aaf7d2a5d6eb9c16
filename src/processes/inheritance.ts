import { setTimeout as pause } from "node:timers/promises";
import type { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { Leadership } from "../bus/leadership.ts";
import { Peers } from "../bus/peers.ts";
import type { Lane } from "../domain/lane.ts";
import { giveWay } from "./give-way.ts";
import type { ProcessLog } from "./process-log.ts";
import { sequencesHeldBy } from "./recover-unheld.ts";
import { TakeOver } from "./take-over.ts";

export interface InheritanceOptions {
  readonly orchestratorId: string;
  readonly data: Bus;
  readonly control: Bus;
  readonly assignments: Assignments;
  /** Stream sequences of the messages of a lane that this orchestrator holds. */
  readonly own: (lane: Lane) => readonly number[];
  /** A task of another orchestrator is in the books here now. */
  readonly adopted: (executionId: string) => void;
  readonly workerIds: () => readonly string[];
  readonly leadership: () => Leadership | undefined;
  readonly ackWaitMs: number;
  readonly doubt: (reason: string) => void;
  /** It is cut off from the bus, or stood still: it is to hand out nothing and to lead no more. */
  readonly cutOff: () => void;
  readonly back: () => void;
  readonly log: ProcessLog;
  readonly fault: (error: unknown, what: string) => void;
}

/** Everybody who was cut off by the same trouble is connected again by then, and says what it holds. */
const RECONNECTED_MS = 3_000;
/** Not all at once: what two hand back at the same time may run twice for nothing. */
const AFTER_THE_FIRST_MS = 3_000;
/** Everybody who is there has been heard by then, also one that came meanwhile. */
const BEATS_HEARD_MS = 1_500;
/** After a trouble of the bus all come back at once: the first has taken over by then what nobody has. */
const AFTER_FIRST_MS = 5_000;
/** Nothing that keeps a process from ending. */
const NO_REF = { ref: false } as const;

/**
 * Watches the other orchestrators. The first of those that are there sees to what one that is gone
 * has left behind (ADR 0006): its books, and its lease. So it does with what was on its way to this
 * one when its connection for work was cut. One that was cut off altogether gives way to those that
 * took over from it (ADR 0007).
 */
export function watchPeers(options: InheritanceOptions): Peers {
  const { orchestratorId: id, data, control, assignments, own, log, fault } = options;
  const theirs = (lane: Lane) => peers.held(lane);
  const takeOver = new TakeOver(data, { ...options, peers: theirs });
  const inherit = (reason: string) => {
    if (peers.isFirst) void takeOver.run(reason);
  };
  const returned = async (silentMs: number) => {
    // Over the connection that tasks are sent by: the answer comes from behind them.
    const heldBy = (workerId: string, lane: Lane) => sequencesHeldBy(data, workerId, lane);
    const way = { assignments, peers: theirs, heldBy, isClosed: () => data.nc.isClosed(), log };
    await giveWay(way);
    await pause(BEATS_HEARD_MS, undefined, NO_REF);
    if (!peers.isFirst) await pause(AFTER_FIRST_MS, undefined, NO_REF);
    await giveWay(way);
    await takeOver.run(`was cut off for ${silentMs} ms`);
  };
  const peers = new Peers(control, id, {
    held: async (lane) => {
      // What the server has sent before it was asked is read by then: it is in the books, or about to be.
      await data.nc.flush();
      return own(lane);
    },
    gone: (orchestratorId) => {
      log.info({ orchestratorId }, "another orchestrator is gone");
      inherit(`${orchestratorId} is gone`);
      const expelled = options.leadership()?.expel(orchestratorId);
      expelled?.catch((error: unknown) => fault(error, "lease of a peer that is gone"));
    },
    settled: () => inherit("started"),
    doubt: () => options.doubt("its own beats do not come back"),
    cutOff: (silentMs) => {
      log.warn({ silentMs }, "cut off: its own beats do not come back");
      options.cutOff();
    },
    back: (silentMs) => {
      log.info({ silentMs }, "no longer cut off");
      options.back();
      void returned(silentMs);
    },
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
