import type { StoredMsg } from "@nats-io/jetstream";
import { WaitTimeoutError } from "../domain/errors.ts";
import { executionIdOf, isId } from "../domain/ids.ts";
import { LANES, type Lane } from "../domain/lane.ts";
import { DISPATCH_CONSUMER } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";
import type { ExecutionPlace } from "./executions.ts";
import { storedMessage } from "./stored-message.ts";

type LaneBus = Pick<Bus, "jsm" | "names">;

/** Each look is a round trip; so many of them are under way at once in each lane. */
const WALKERS = 16;
/** Two busy cores looked at 2,400 messages a second when measured. */
const MOST_LOOKS = 50_000;
const MOST_MS = 10_000;

/**
 * The message of an execution that has not been acked: it waits in a lane, waits for a retry, or is
 * on its way to a worker. Undefined when no lane holds one. `hint` is where it was seen last. A lane
 * cannot be searched by executionId, so all that it holds is read.
 *
 * @throws WaitTimeoutError when it is not among the `mostLooks` (50,000) messages that were looked at,
 * or within 10 s.
 */
export async function findQueued(
  bus: LaneBus,
  executionId: string,
  hint?: ExecutionPlace,
  mostLooks = MOST_LOOKS,
): Promise<ExecutionPlace | undefined> {
  for (const { lane, sequence } of placesToTry(bus, executionId, hint)) {
    const stored = await storedMessage(bus, bus.names.streams.flows[lane], { seq: sequence });
    const place = placeIn(bus, lane, executionId, stored);
    if (place !== undefined) return place;
  }
  const giveUpAt = Date.now() + MOST_MS;
  const search: Search = { executionId, left: mostLooks, giveUpAt, found: undefined };
  await Promise.all(LANES.map((lane) => searchLane(bus, lane, search)));
  if (search.found !== undefined || !isOver(search)) return search.found;
  const looked = mostLooks - Math.max(0, search.left);
  throw new WaitTimeoutError(
    `execution ${executionId} is not among the ${looked} messages of the lanes that were looked at: ask again when fewer wait (\`batuta queues\`)`,
  );
}

interface Search {
  readonly executionId: string;
  left: number;
  /** Epoch milliseconds. */
  readonly giveUpAt: number;
  found: ExecutionPlace | undefined;
}

function isOver({ left, giveUpAt }: Search): boolean {
  return left <= 0 || Date.now() >= giveUpAt;
}

/** One whose publisher gave no id is named after its place. */
function placesToTry({ names }: LaneBus, executionId: string, hint: ExecutionPlace | undefined) {
  const named = LANES.flatMap((lane) => {
    const start = `${names.streams.flows[lane]}-`;
    const sequence = Number(executionId.slice(start.length));
    return executionId.startsWith(start) && sequence > 0 ? [{ lane, sequence }] : [];
  });
  return hint === undefined ? named : [hint, ...named];
}

async function searchLane(bus: LaneBus, lane: Lane, search: Search): Promise<void> {
  const stream = bus.names.streams.flows[lane];
  const [consumer, { state }] = await Promise.all([
    bus.jsm.consumers.info(stream, DISPATCH_CONSUMER),
    bus.jsm.streams.info(stream),
  ]);
  if (consumer.num_pending + consumer.num_ack_pending === 0) return;
  // Not the stream's own beginning: an old server was seen to resurrect acked messages after a crash.
  const first = Math.max(consumer.ack_floor.stream_seq + 1, state.first_seq);
  const share = Math.ceil((state.last_seq + 1 - first) / WALKERS);
  const walks = Array.from({ length: share > 0 ? WALKERS : 0 }, (_, index) => {
    const from = first + index * share;
    return walk(bus, lane, from, Math.min(from + share, state.last_seq + 1), search);
  });
  await Promise.all(walks);
}

/** Looks at what a lane holds from the sequence `from` on, before `to`. */
async function walk(
  bus: LaneBus,
  lane: Lane,
  from: number,
  to: number,
  search: Search,
): Promise<void> {
  const stream = bus.names.streams.flows[lane];
  const next_by_subj = bus.names.execute(lane);
  for (let next = from; next < to && search.found === undefined && !isOver(search); ) {
    search.left -= 1;
    const stored = await storedMessage(bus, stream, { seq: next, next_by_subj });
    if (stored === undefined || stored.seq >= to) return;
    search.found ??= placeIn(bus, lane, search.executionId, stored);
    next = stored.seq + 1;
  }
}

/** Where the message is, if it is one of that execution. */
function placeIn(
  { names }: LaneBus,
  lane: Lane,
  executionId: string,
  stored: StoredMsg | undefined,
): ExecutionPlace | undefined {
  if (stored === undefined) return undefined;
  const { seq: sequence, data } = stored;
  const ownId = executionIdOf(names.streams.flows[lane], sequence);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  // Parsing all that waits would take far longer than finding the few that may be it.
  if (ownId !== executionId && !bytes.includes(executionId)) return undefined;
  const ids = idsIn(bytes);
  if ((isId(ids.executionId) ? ids.executionId : ownId) !== executionId) return undefined;
  const flowId = isId(ids.flowId) ? ids.flowId : null;
  return { lane, sequence, storedAt: stored.time.getTime(), flowId };
}

function idsIn(bytes: Buffer): { readonly executionId?: unknown; readonly flowId?: unknown } {
  try {
    const body: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof body === "object" && body !== null ? body : {};
  } catch {
    // It will be dead-lettered under the name of its place.
    return {};
  }
}
