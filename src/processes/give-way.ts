import { setTimeout as pause } from "node:timers/promises";
import type { Assignments } from "../bus/assignments.ts";
import { LANES, type Lane } from "../domain/lane.ts";
import type { ProcessLog } from "./process-log.ts";

export interface GiveWayOptions {
  readonly assignments: Assignments;
  /** What the other orchestrators hold of a lane. */
  readonly peers: (lane: Lane) => Promise<readonly number[]>;
  readonly isClosed: () => boolean;
  readonly log: ProcessLog;
}

const AGAIN_MS = 1_000;

/**
 * Takes out of the books what other orchestrators have taken over, as this one was cut off or stood
 * still: each task is to be in one book. Asks until every peer has said what it holds; one that does
 * not answer is given up by and by. Never rejects.
 */
export async function giveWay(options: GiveWayOptions): Promise<void> {
  const { isClosed, log } = options;
  while (!isClosed()) {
    try {
      const counts = await Promise.all(LANES.map((lane) => giveWayOf(lane, options)));
      const given = counts.reduce((sum, count) => sum + count, 0);
      log.info({ given }, "gave way to those that took over");
      return;
    } catch (error) {
      log.warn({ err: error }, "what the others took over is not known yet");
      await pause(AGAIN_MS, undefined, { ref: false });
    }
  }
}

async function giveWayOf(lane: Lane, { assignments, peers }: GiveWayOptions): Promise<number> {
  const theirs = new Set(await peers(lane));
  const given = assignments
    .all()
    .filter(({ task: { message } }) => message.lane === lane && theirs.has(message.sequence));
  for (const { task } of given) assignments.settle(task.executionId, task.attempt);
  return given.length;
}
