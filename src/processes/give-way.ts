import { setTimeout as pause } from "node:timers/promises";
import type { Assignment, Assignments } from "../bus/assignments.ts";
import { LANES, type Lane } from "../domain/lane.ts";
import type { ProcessLog } from "./process-log.ts";

export interface GiveWayOptions {
  readonly assignments: Assignments;
  /** What the other orchestrators hold of a lane. */
  readonly peers: (lane: Lane) => Promise<readonly number[]>;
  /** What a worker holds of a lane; undefined of one that does not say. */
  readonly heldBy: (workerId: string, lane: Lane) => Promise<readonly number[] | undefined>;
  readonly isClosed: () => boolean;
  readonly log: ProcessLog;
}

const AGAIN_MS = 1_000;

/**
 * Takes out of the books what is out of date there, as this one was cut off or stood still: what other
 * orchestrators have taken over, since each task is to be in one book, and what its worker no longer
 * holds. Of the latter, what has not ended is in nobody's hands: it is found as such afterwards.
 *
 * Asks until every peer has said what it holds; one that does not answer is given up by and by. Never
 * rejects.
 */
export async function giveWay(options: GiveWayOptions): Promise<void> {
  const { isClosed, log } = options;
  while (!isClosed()) {
    try {
      let [given, ended] = [0, 0];
      for (const lane of LANES) {
        given += await giveToPeers(lane, options);
        ended += await forgetEnded(lane, options);
      }
      log.info({ given, ended }, "gave way to those that took over");
      return;
    } catch (error) {
      log.warn({ err: error }, "what the others took over is not known yet");
      await pause(AGAIN_MS, undefined, { ref: false });
    }
  }
}

async function giveToPeers(lane: Lane, { assignments, peers }: GiveWayOptions): Promise<number> {
  const theirs = new Set(await peers(lane));
  return settle(
    assignments,
    ofLane(assignments, lane).filter(({ task }) => theirs.has(task.message.sequence)),
  );
}

async function forgetEnded(lane: Lane, { assignments, heldBy }: GiveWayOptions): Promise<number> {
  // What is given out from here on may be under way to its worker when that one answers.
  const booked = ofLane(assignments, lane);
  const workerIds = [...new Set(booked.map(({ workerId }) => workerId))];
  const counts = workerIds.map(async (workerId) => {
    const held = await heldBy(workerId, lane);
    if (held === undefined) return 0;
    const isOver = (each: Assignment) =>
      each.workerId === workerId && !held.includes(each.task.message.sequence);
    return settle(assignments, booked.filter(isOver));
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

function ofLane(assignments: Assignments, lane: Lane): Assignment[] {
  return assignments.all().filter(({ task }) => task.message.lane === lane);
}

/** How many of them were still in the books. */
function settle(assignments: Assignments, over: readonly Assignment[]): number {
  return over.filter(({ task }) => assignments.settle(task.executionId, task.attempt)).length;
}
