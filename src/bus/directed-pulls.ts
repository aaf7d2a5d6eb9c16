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
  /** Its publisher wants to know why it was placed there. */
  readonly explain: boolean;
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
  /** A worker should have said by now what came of its share. The share stays open until `lost`. */
  readonly overdue: (workerId: string) => void;
  /** What came of a share is not going to be said. */
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
  /** It holds slots. A doorbell does not: it would keep them from the lanes that are full. */
  readonly reserves: boolean;
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
/** Short: nobody sees at once that the worker that it is for has died. */
const DOORBELL_MS = 1_000;
const DOORBELL_LOST_MS = 1_500;

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

  /** Shares and doorbells that have not ended. */
  get open(): number {
    return this.#shares.size;
  }

  isOpen(workerId: string, lane: Lane): boolean {
    return this.#shares.has(keyOf(workerId, lane));
  }

  /** Asks for what is there now. */
  pull(lane: Lane, shares: readonly Share[], onEnd: (end: DirectedEnd) => void): void {
    const pull = this.#open(shares, PULL_LOST_MS, onEnd);
    for (const share of shares) this.#ask(lane, share, { no_wait: true }, pull);
  }

  /** Asks for the next message, whenever it comes within a second. */
  ring(lane: Lane, workerId: string, onEnd: (end: DirectedEnd) => void): void {
    const share = { workerId, count: 1 };
    const bell = this.#open([share], DOORBELL_LOST_MS, onEnd);
    this.#ask(lane, share, { expires: DOORBELL_MS * 1e6 }, bell);
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

  /** A worker is gone, or says no more of its shares: they are over, and what they brought is not known. */
  lost(workerId: string): void {
    for (const share of [...this.#shares.values()]) {
      if (share.workerId === workerId) this.#silent(share);
    }
  }

  #open(shares: readonly Share[], patienceMs: number, onEnd: (end: DirectedEnd) => void): OpenPull {
    const pull: OpenPull = {
      asked: shares.reduce((sum, { count }) => sum + count, 0),
      onEnd,
      timer: setTimeout(() => this.#overdue(pull), patienceMs),
      waitingFor: shares.length,
      hasEnded: false,
      got: 0,
      returned: 0,
      pending: undefined,
      outcome: "full",
    };
    return pull;
  }

  #ask(lane: Lane, { workerId, count }: Share, wait: object, of: OpenPull): void {
    this.#count += 1;
    const pull = String(this.#count);
    const { names, outbox } = this.#bus;
    outbox.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${names.streams.flows[lane]}.${DISPATCH_CONSUMER}`,
      JSON.stringify({ batch: count, ...wait }),
      names.pulled(workerId, `${this.by}.${lane}.${pull}`),
    );
    const reserves = "no_wait" in wait;
    const after = this.#seen[lane];
    const share = { pull, lane, workerId, asked: count, of, after, reserves, got: 0 };
    this.#shares.set(keyOf(workerId, lane), share);
    this.#reserve(share, count);
  }

  #tookAll(workerId: string, { lane, took }: PullReport): void {
    for (const { executionId, flowId, ackSubject, explain = false } of took) {
      const place = lanePlace(lane, ackSubject);
      if (place === undefined) continue;
      this.#seen[lane] = Math.max(this.#seen[lane], place.sequence);
      this.#events.took(workerId, { executionId, flowId, place, explain });
    }
  }

  #credit(share: OpenShare, { took, returned, end }: PullReport): void {
    const { of } = share;
    const got = Math.min(took.length + returned, share.asked - share.got);
    share.got += got;
    of.got += got;
    of.returned += returned;
    this.#reserve(share, -got);
    of.pending = parseAckSubject(took.at(-1)?.ackSubject ?? "")?.pending ?? of.pending;
    if (share.got >= share.asked) this.#close(share);
    else if (end?.pull === share.pull) {
      of.outcome = end.outcome;
      this.#close(share);
    }
  }

  #close(share: OpenShare): void {
    this.#shares.delete(keyOf(share.workerId, share.lane));
    this.#reserve(share, share.got - share.asked);
    share.of.waitingFor -= 1;
    if (share.of.waitingFor === 0) this.#endPull(share.of, share.of.outcome);
  }

  #silent(share: OpenShare): void {
    const { workerId, lane, after, asked, got } = share;
    share.of.outcome = "lost";
    this.#close(share);
    this.#events.silent({ workerId, lane, after, count: asked - got });
  }

  #endPull(pull: OpenPull, outcome: PullEnd["outcome"]): void {
    clearTimeout(pull.timer);
    if (pull.hasEnded) return;
    pull.hasEnded = true;
    const { asked, got, returned, pending, onEnd } = pull;
    onEnd({ asked, got, returned, pending, isEmpty: pending === 0, outcome });
  }

  /** The lane goes on without it; the shares that are still open keep their slots. */
  #overdue(pull: OpenPull): void {
    this.#endPull(pull, "lost");
    for (const { of, workerId } of [...this.#shares.values()]) {
      if (of === pull) this.#events.overdue(workerId);
    }
  }

  #reserve({ workerId, reserves }: OpenShare, count: number): void {
    if (!reserves) return;
    const sum = this.reservedOf(workerId) + count;
    if (sum > 0) this.#reserved.set(workerId, sum);
    else this.#reserved.delete(workerId);
  }
}

function keyOf(workerId: string, lane: Lane): string {
  return `${workerId}.${lane}`;
}
