import type { Msg } from "nats";
import { LANES, type Lane, type PerLane, perLane } from "../domain/lane.ts";
import {
  type LaneDeficits,
  NO_DEFICITS,
  planPulls,
  settlePull,
} from "../domain/lane-scheduling.ts";
import { parseAckSubject } from "./ack-subject.ts";
import type { Bus } from "./connect.ts";
import { headersOf } from "./foreign.ts";
import { LanePull, type PullEnd } from "./lane-pull.ts";
import type { HeaderLines } from "./publish.ts";

/** Where a message of a lane is, and how it is acked or handed back. */
export interface LanePlace {
  readonly lane: Lane;
  readonly ackSubject: string;
  readonly stream: string;
  readonly sequence: number;
  readonly deliveryCount: number;
  /** When it was published, epoch milliseconds. */
  readonly storedAt: number;
}

/** A message of a lane that this process now holds: to be acked, or handed back. */
export interface LaneMessage extends LanePlace {
  readonly data: Uint8Array;
  /** The publisher's headers; undefined when they cannot be read. */
  readonly headers: HeaderLines | undefined;
}

export interface IntakeOptions {
  readonly weights: PerLane<number>;
  /** Slots of the fleet that are free now, not counting what intake has already asked for. */
  readonly freeSlots: () => number;
  /** Fewer free slots than this are gathered for a moment first: one pull for one slot is dear. */
  readonly batchFloor?: () => number;
  /** Lets the workers get the messages of a deep lane straight from the server. */
  readonly directed?: DirectedIntake;
  readonly onMessage: (message: LaneMessage) => void;
  /** `onMessage` threw; the message is handed back. */
  readonly onFault: (error: unknown) => void;
  /** A lane whose consumer does not answer; intake goes on trying. */
  readonly onUnavailable?: (lane: Lane) => void;
}

export interface DirectedIntake {
  /** Whether the next messages of a lane may go straight to workers; otherwise intake forwards them. */
  readonly isDirect: (lane: Lane) => boolean;
  /** False when it cannot be done now. */
  readonly pull: (lane: Lane, count: number, onEnd: (end: PullEnd) => void) => boolean;
  /** False when it cannot be done now. */
  readonly ring: (lane: Lane, onEnd: (end: PullEnd) => void) => boolean;
}

/** How soon a lane is asked again that could not be rung for want of a slot, or did not answer. */
const RETRY_MS = 25;
const GATHER_MS = 2;
/** A lane is deep when it holds so many times what is asked of it. */
const DEEP_TIMES = 4;
const UNAVAILABLE_RETRY_MS = 250;
/** A lane that brought something so lately is likely to bring more. */
const LIVELY_MS = 1_000;

/**
 * Takes from the three lanes what the fleet can run now, by deficit round robin, and no more: what
 * is not asked for stays in its stream, safe and visible to other orchestrators.
 *
 * A lane is wet until it comes up short, then dry: a doorbell (a waiting request for one message,
 * which reserves a slot) makes it wet again. Pulls go in cycles, since the shares of a cycle are
 * only right if all wet lanes take part in it.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #pulls: Record<Lane, LanePull>;
  readonly #wet = perLane(() => true);
  /** What each lane still held after its last pull. */
  readonly #pending = perLane(() => 0);
  /** Doorbells whose message is to go straight to a worker. */
  readonly #bells: Record<Lane, object | undefined> = perLane(() => undefined);
  /** When each lane brought something last. */
  readonly #broughtAt = perLane(() => Number.NEGATIVE_INFINITY);
  #deficits: LaneDeficits = NO_DEFICITS;
  #cycleOpen = 0;
  #running = false;
  #retry: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Timeout | undefined;

  constructor(bus: Bus, options: IntakeOptions) {
    this.#options = options;
    this.#pulls = perLane(
      (lane) => new LanePull(bus, lane, (msg) => this.#take(lane, msg), options.onFault),
    );
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    for (const lane of LANES) this.#pulls[lane].start();
    this.poke();
  }

  /** Asks for nothing more. What had been asked for and comes later is redelivered after ack_wait. */
  stop(): void {
    this.#running = false;
    clearTimeout(this.#retry);
    clearTimeout(this.#gathering);
    this.#retry = undefined;
    this.#gathering = undefined;
    for (const lane of LANES) {
      this.#pulls[lane].stop();
      this.#bells[lane] = undefined;
    }
    this.#cycleOpen = 0;
  }

  /** Slots have become free, or a worker has come: look whether there is something to pull. */
  poke(): void {
    if (!this.#running || this.#cycleOpen > 0) return;
    if (this.#options.freeSlots() < (this.#options.batchFloor?.() ?? 1)) this.#gather();
    else this.#turn();
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      if (this.#running && this.#cycleOpen === 0) this.#turn();
    }, GATHER_MS);
  }

  #turn(): void {
    this.#pullWet();
    if (this.#cycleOpen === 0) this.#ringDry();
  }

  /**
   * Doorbells do not count here: if they did, the doorbell of an empty lane would keep the last slot
   * from a full one. The price is that a doorbell may ring when its slot is taken; such a message is
   * handed back by the receiver.
   */
  #pullWet(): void {
    const wet = perLane((lane) => this.#wet[lane] && this.#isIdle(lane));
    const free = this.#options.freeSlots();
    const plan = planPulls(free, wet, this.#options.weights, this.#deficits);
    const asked = LANES.filter((lane) => plan.pulls[lane] > 0);
    this.#deficits = plan.deficits;
    const forward = asked.filter((lane) => !this.#direct(lane, plan.pulls[lane]));
    this.#cycleOpen = forward.length;
    for (const lane of forward) this.#forward(lane, plan.pulls[lane]);
  }

  /**
   * Only a lane that holds far more than is asked of it: it will not come up short. Does not hold up
   * the cycle, which may take long: the worker runs its tasks before it reports.
   */
  #direct(lane: Lane, count: number): boolean {
    const { directed } = this.#options;
    const isDeep = this.#pending[lane] >= DEEP_TIMES * count;
    if (!isDeep || directed?.isDirect(lane) !== true) return false;
    if (!directed.pull(lane, count, (end) => this.#pulled(lane, end))) return false;
    this.#pending[lane] -= count;
    return true;
  }

  #forward(lane: Lane, count: number): void {
    this.#pulls[lane].pull(count, (end) => {
      this.#cycleOpen -= 1;
      this.#pulled(lane, end);
    });
  }

  #pulled(lane: Lane, end: PullEnd): void {
    if (end.got > 0) this.#broughtAt[lane] = performance.now();
    this.#pending[lane] = end.outcome === "full" ? (end.pending ?? 0) : 0;
    this.#deficits = settlePull(this.#deficits, lane, end.asked, end.got);
    if (end.outcome !== "full" || end.isEmpty) this.#wet[lane] = false;
    if (end.outcome === "unavailable" || end.outcome === "lost") this.#unavailable(lane);
    if (this.#cycleOpen === 0) this.poke();
  }

  #ringDry(): void {
    for (const lane of LANES) {
      if (this.#wet[lane] || !this.#isIdle(lane)) continue;
      if (this.#unreserved() >= 1) this.#ring(lane);
      else if (this.#options.freeSlots() > 0) this.#pokeLater(RETRY_MS);
    }
  }

  /**
   * Straight to a worker only in a lively lane: there it saves each task a hop. In a quiet one it
   * would cost more than it saves, since such a doorbell has to be renewed each second.
   */
  #ring(lane: Lane): void {
    const { directed } = this.#options;
    const isLively = performance.now() - this.#broughtAt[lane] < LIVELY_MS;
    const bell = {};
    const onDirected = (end: PullEnd) => {
      if (this.#bells[lane] !== bell) return;
      this.#bells[lane] = undefined;
      this.#rung(lane, end);
    };
    if (isLively && directed?.isDirect(lane) && directed.ring(lane, onDirected)) {
      this.#bells[lane] = bell;
    } else this.#pulls[lane].ring((end) => this.#rung(lane, end));
  }

  #isIdle(lane: Lane): boolean {
    return this.#pulls[lane].idle && this.#bells[lane] === undefined;
  }

  #unreserved(): number {
    const reserved = LANES.reduce(
      (sum, lane) => sum + this.#pulls[lane].reserved + (this.#bells[lane] === undefined ? 0 : 1),
      0,
    );
    return this.#options.freeSlots() - reserved;
  }

  #rung(lane: Lane, end: PullEnd): void {
    // Hung up again at once, in the same write as the task: the next message must not wait for a
    // pull that finds nothing.
    if (end.outcome === "full") {
      this.#wet[lane] = !end.isEmpty;
      this.#broughtAt[lane] = performance.now();
    }
    if (end.outcome === "unavailable") this.#unavailable(lane);
    else this.poke();
  }

  /** Lanes without a doorbell, for want of a slot or of an answer, are looked at again soon. */
  #pokeLater(delayMs: number): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      for (const lane of LANES) this.#wet[lane] ||= this.#isIdle(lane);
      this.poke();
    }, delayMs);
  }

  #unavailable(lane: Lane): void {
    this.#options.onUnavailable?.(lane);
    this.#pokeLater(UNAVAILABLE_RETRY_MS);
  }

  #take(lane: Lane, msg: Msg): void {
    const place = lanePlace(lane, msg.reply ?? "");
    if (place === undefined) return;
    this.#options.onMessage({ ...place, data: msg.data, headers: headersOf(msg) });
  }
}

/** What an ack subject says about its message; undefined when it is none. */
export function lanePlace(lane: Lane, ackSubject: string): LanePlace | undefined {
  const info = parseAckSubject(ackSubject);
  if (info === undefined) return undefined;
  const { stream, streamSequence: sequence, deliveryCount, storedAt } = info;
  return { lane, ackSubject, stream, sequence, deliveryCount, storedAt };
}
