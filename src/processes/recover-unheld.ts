import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "../bus/connect.ts";
import { jsonOf } from "../bus/foreign.ts";
import { findUnheld, handBack } from "../bus/unheld.ts";
import { UnreachableError, WaitTimeoutError } from "../domain/errors.ts";
import type { Lane } from "../domain/lane.ts";
import type { HeldByWorker } from "../messages/worker.ts";

export interface Holders {
  /** Sequences of the lane's messages in this orchestrator's books. */
  readonly own: () => readonly number[];
  /** Workers that may hold messages: of this orchestrator and of others. */
  readonly workerIds: () => readonly string[];
  /** What other orchestrators have in their books, where they may hold what no worker has yet. */
  readonly peers?: () => Promise<readonly number[]>;
}

/** What is on its way from the server to its receiver has arrived by then. */
const SECOND_LOOK_MS = 300;
const ANSWER_MS = 1_000;

/**
 * Hands back the messages of a lane behind the sequence `after` that were delivered and that nobody
 * holds, and returns how many. Looked twice, since a message on its way to its worker is held by
 * nobody for a moment. A mistake costs a run for nothing: the terminal record is compare-and-set.
 *
 * @throws WaitTimeoutError when a worker does not say what it holds; then nothing was handed back.
 */
export async function recoverUnheld(
  bus: Bus,
  lane: Lane,
  after: number,
  holders: Holders,
): Promise<number> {
  const first = await held(bus, lane, holders);
  const found = await findUnheld(bus, lane, { after, isHeld: (each) => first.has(each) });
  if (found.length === 0) return 0;
  await pause(SECOND_LOOK_MS);
  const second = await held(bus, lane, holders);
  // Without another round trip: what waited for a free slot may be given to somebody any moment now.
  const lost = found.filter(({ streamSequence }) => !second.has(streamSequence));
  handBack(bus, lane, lost);
  return lost.length;
}

async function held(bus: Bus, lane: Lane, holders: Holders): Promise<Set<number>> {
  const { own, workerIds, peers } = holders;
  const lists = await Promise.all(
    workerIds().map(async (workerId) => (await askHeld(bus, workerId, lane)).held ?? []),
  );
  const theirs = (await peers?.()) ?? [];
  return new Set([...own(), ...theirs, ...lists.flat()]);
}

/** The tasks of a lane that a worker holds; none of one that is gone or does not say. */
export async function heldByWorker(
  bus: Bus,
  workerId: string,
  lane: Lane,
): Promise<readonly HeldByWorker[]> {
  return (await askHeld(bus, workerId, lane)).tasks ?? [];
}

/**
 * The sequences of a lane that a worker holds; none of one that is gone, undefined of one that does not say.
 */
export async function sequencesHeldBy(
  bus: Bus,
  workerId: string,
  lane: Lane,
): Promise<readonly number[] | undefined> {
  try {
    return (await askHeld(bus, workerId, lane)).held;
  } catch (error) {
    // Silent: it may hold all that it was given.
    if (error instanceof WaitTimeoutError) return undefined;
    throw error;
  }
}

interface HeldAnswer {
  readonly held?: readonly number[];
  readonly tasks?: readonly HeldByWorker[];
}

async function askHeld(bus: Bus, workerId: string, lane: Lane): Promise<HeldAnswer> {
  const order = JSON.stringify({ action: "held", lane });
  try {
    const answer = await bus.mux.request(bus.names.workerControl(workerId), order, {
      timeoutMs: ANSWER_MS,
    });
    // A worker of another make does not say. Of its tasks only those in our own books are known.
    return jsonOf<HeldAnswer>(answer) ?? {};
  } catch (error) {
    // Gone as well: what it held is given back when that is noticed.
    if (error instanceof UnreachableError) return { held: [], tasks: [] };
    throw error;
  }
}
