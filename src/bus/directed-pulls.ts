import { nuid } from "nats";
import type { Share } from "../domain/directing.ts";
import { type Lane, perLane } from "../domain/lane.ts";
import { DISPATCH_CONSUMER } from "../messages/subjects.ts";
import type { PullReport } from "../messages/worker.ts";
import { parseAckSubject } from "./ack-subject.ts";
import type { Bus } from "./connect.ts";
import { type LanePlace, lanePlace } from "./intake.ts";
import type { PullEnd } from "./lane-pull.ts";

/** A task that a worker has taken from a directed pull. */
export interface TookTask {
  readonly executionId: string;
  readonly flowId: string;
  readonly place: LanePlace;
}

/** Up to `count` messages of a lane, all behind the sequence `after`, may be with a worker unknown. */
export interface SilentShare {
  readonly workerId: string;
  readonly lane: Lane;
  readonly count: number;
  readonly after: number;
}

export interface DirectedPullEvents {
  readonly took: (workerId: string, task: TookTask) => void;
  /** A worker has not said what came of its share, and is not going to. */
  readonly silent: (share: SilentShare) => void;
}

/** How one pull, shared among workers, ended. `returned` counts what they handed back. */
export interface DirectedEnd extends PullEnd {
  readonly returned: number;
}

interface OpenShare {
  /** Names the request among those of this process. */
  readonly pull: string;
  readonly lane: Lane;
  readonly workerId: string;
  readonly asked: number;
  readonly of: OpenPull;
  /** A lane is delivered in its order: what this share brings is behind all that was seen before it. */
  readonly after: number;
  got: number;
}

interface OpenPull {
  readonly asked: number;
  readonly onEnd: (end: DirectedEnd) => void;
  readonly timer: NodeJS.Timeout;
  waitingFor: number;
  hasEnded: boolean;
  got: number;
  returned: number;
  pending: number | undefined;
  outcome: PullEnd["outcome"];
}

/** Without waiting a pull is answered within milliseconds; after this the lane is asked anew. */
const PULL_LOST_MS = 2_000;
/** After this a live worker is not going to say any more what came of its share. */
const SHARE_LOST_MS = 10_000;

/**
 * Pulls whose messages the server delivers straight to the chosen workers (research/nats.md 3.4):
 * the request names the worker's subject as its reply, so that this process carries no payload.
 * What a worker took comes back with its next report. At most one share of a lane is open for a
 * worker, since a delivery does not say which request it answers.
 */
export class DirectedPulls {
  /** Names this process on the wire. */
  readonly by = nuid.next();
  readonly #bus: Bus;
  readonly #events: DirectedPullEvents;
  readonly #shares = new Map<string, OpenShare>();
  readonly #reserved = new Map<string, number>();
  /** The highest stream sequence that a worker was seen to have, for each lane. */
  readonly #seen = perLane(() => 0);
  #count = 0;

  constructor(bus: Bus, events: DirectedPullEvents) {
    this.#bus = bus;
    this.#events = events;
  }

  /** Messages that were asked for a worker and of which it has said nothing yet: each needs a slot. */
  reservedOf(workerId: string): number {
    return this.#reserved.get(workerId) ?? 0;
  }

  get reserved(): number {
    let sum = 0;
    for (const count of this.#reserved.values()) sum += count;
    return sum;
  }

  isOpen(workerId: string, lane: Lane): boolean {
    return this.#shares.has(keyOf(workerId, lane));
  }

  pull(lane: Lane, shares: readonly Share[], onEnd: (end: DirectedEnd) => void): void {
    const pull: OpenPull = {
      asked: shares.reduce((sum, { count }) => sum + count, 0),
      onEnd,
      timer: setTimeout(() => this.#endPull(pull, "lost"), PULL_LOST_MS),
      waitingFor: shares.length,
      hasEnded: false,
      got: 0,
      returned: 0,
      pending: undefined,
      outcome: "full",
    };
    for (const share of shares) this.#ask(lane, share, pull);
  }

  /** What a worker says of its shares. To be heard before the outcomes of the same report. */
  report(workerId: string, reports: readonly PullReport[]): void {
    for (const report of reports) {
      if (report.by !== this.by) continue;
      this.#tookAll(workerId, report);
      const share = this.#shares.get(keyOf(workerId, report.lane));
      if (share !== undefined) this.#credit(share, report);
    }
  }

  /** A worker is gone: its shares are over, and what they brought it is not known. */
  lost(workerId: string): void {
    for (const share of [...this.#shares.values()]) {
      if (share.workerId === workerId) this.#silent(share);
    }
  }

  #ask(lane: Lane, { workerId, count }: Share, of: OpenPull): void {
    this.#count += 1;
    const pull = String(this.#count);
    const { names, outbox } = this.#bus;
    outbox.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${names.streams.flows[lane]}.${DISPATCH_CONSUMER}`,
      JSON.stringify({ batch: count, no_wait: true }),
      names.pulled(workerId, `${this.by}.${lane}.${pull}`),
    );
    const share = { pull, lane, workerId, asked: count, of, after: this.#seen[lane], got: 0 };
    this.#shares.set(keyOf(workerId, lane), share);
    this.#reserve(workerId, count);
  }

  #tookAll(workerId: string, { lane, took }: PullReport): void {
    for (const { executionId, flowId, ackSubject } of took) {
      const place = lanePlace(lane, ackSubject);
      if (place === undefined) continue;
      this.#seen[lane] = Math.max(this.#seen[lane], place.sequence);
      this.#events.took(workerId, { executionId, flowId, place });
    }
  }

  #credit(share: OpenShare, { took, returned, end }: PullReport): void {
    const { of } = share;
    const got = Math.min(took.length + returned, share.asked - share.got);
    share.got += got;
    of.got += got;
    of.returned += returned;
    this.#reserve(share.workerId, -got);
    of.pending = parseAckSubject(took.at(-1)?.ackSubject ?? "")?.pending ?? of.pending;
    if (share.got >= share.asked) this.#close(share);
    else if (end?.pull === share.pull) {
      of.outcome = end.outcome;
      this.#close(share);
    }
  }

  #close(share: OpenShare): void {
    this.#shares.delete(keyOf(share.workerId, share.lane));
    this.#reserve(share.workerId, share.got - share.asked);
    share.of.waitingFor -= 1;
    if (share.of.waitingFor === 0) this.#endPull(share.of, share.of.outcome);
  }

  #silent(share: OpenShare): void {
    const { workerId, lane, after, asked, got } = share;
    share.of.outcome = "lost";
    this.#close(share);
    this.#events.silent({ workerId, lane, after, count: asked - got });
  }

  /** At the latest after the time-out; shares that are still open keep their slots for a while. */
  #endPull(pull: OpenPull, outcome: PullEnd["outcome"]): void {
    clearTimeout(pull.timer);
    if (pull.hasEnded) return;
    pull.hasEnded = true;
    if (pull.waitingFor > 0) this.#forgetLater(pull);
    const { asked, got, returned, pending, onEnd } = pull;
    onEnd({ asked, got, returned, pending, isEmpty: pending === 0, outcome });
  }

  #forgetLater(pull: OpenPull): void {
    const rest = setTimeout(() => {
      for (const share of [...this.#shares.values()]) if (share.of === pull) this.#silent(share);
    }, SHARE_LOST_MS - PULL_LOST_MS);
    rest.unref();
  }

  #reserve(workerId: string, count: number): void {
    const sum = this.reservedOf(workerId) + count;
    if (sum > 0) this.#reserved.set(workerId, sum);
    else this.#reserved.delete(workerId);
  }
}

function keyOf(workerId: string, lane: Lane): string {
  return `${workerId}.${lane}`;
}
