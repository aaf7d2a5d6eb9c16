import { nak } from "../bus/ack.ts";
import type { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { LanePlace } from "../bus/intake.ts";
import type { PausedFlags, StoredFlag } from "../bus/paused-flags.ts";
import { PausedWatch } from "../bus/paused-watch.ts";
import { findResult } from "../bus/results.ts";
import type { Lane } from "../domain/lane.ts";
import type { Located } from "./locate.ts";

export interface PausesOptions {
  /** Carries the tasks: an order must not overtake the task that it is about. */
  readonly bus: Bus;
  readonly flags: PausedFlags;
  readonly assignments: Assignments;
  /** The worker that lists an execution in its beats, whoever gave it to it. */
  readonly runsAt: (executionId: string) => string | undefined;
  readonly locate: (executionId: string) => Promise<Located | undefined>;
  readonly fault: (error: unknown, what: string) => void;
}

interface HeldBack {
  readonly place: LanePlace;
  /** Epoch milliseconds; by then it comes again by itself, to whichever orchestrator. */
  readonly until: number;
}

/** How long a paused message is away each time: so long a resume takes where nobody remembers it. */
const AWAY_MS = 30_000;
/** Shortly before it comes again by itself it is not called back: it would come twice. */
const TOO_LATE_MS = 1_000;
const SWEEP_MS = 60_000;
/** The bucket forgets after 7 days. */
const RENEW_AFTER_MS = 86_400_000;

/**
 * What an orchestrator does about executions that are paused: their messages go back into their lanes
 * again and again, with no attempt counted, and the workers that run some are told. A resume calls
 * back at once what was handed back here.
 */
export class Pauses {
  readonly watch: PausedWatch;
  readonly #options: PausesOptions;
  readonly #heldBack = new Map<string, HeldBack>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: PausesOptions) {
    this.#options = options;
    const changed = (executionId: string) => this.#changed(executionId);
    this.watch = new PausedWatch(options.flags, { changed, fault: options.fault });
  }

  /** Resolves once what is paused is known: before that nothing may be dispatched. */
  async start(): Promise<void> {
    await this.watch.start();
    const sweep = () => void this.#guard(this.#sweep());
    sweep();
    this.#sweeper = setInterval(sweep, SWEEP_MS);
  }

  stop(): void {
    clearInterval(this.#sweeper);
    this.watch.stop();
  }

  has(executionId: string): boolean {
    return this.watch.find(executionId) !== undefined;
  }

  isIn(lane: Lane): boolean {
    return this.watch.isIn(lane);
  }

  /** Hands back the message of a paused execution. */
  holdBack(executionId: string, place: LanePlace): void {
    nak(this.#options.bus, place.ackSubject, AWAY_MS);
    this.#heldBack.set(executionId, { place, until: Date.now() + AWAY_MS });
  }

  /** Stream sequences of the messages of a lane that were handed back here and are still away. */
  sequencesOf(lane: Lane): number[] {
    const now = Date.now();
    return [...this.#heldBack.values()].flatMap(({ place, until }) =>
      place.lane === lane && until > now ? place.sequence : [],
    );
  }

  /** An execution has come into the books. */
  booked(executionId: string): void {
    if (this.has(executionId)) this.#tellWorker(executionId);
  }

  /** One that another orchestrator had in its books: its worker may not know of a pause, nor of a resume. */
  adopted(executionId: string): void {
    this.#tellWorker(executionId);
  }

  /** It has its terminal record. */
  ended(executionId: string): void {
    const flag = this.watch.find(executionId);
    if (flag !== undefined) void this.#guard(this.#options.flags.clear(executionId, undefined));
  }

  #changed(executionId: string): void {
    this.#tellWorker(executionId);
    if (!this.has(executionId)) this.#callBack(executionId);
  }

  /** What has come to another orchestrator since is not called back here. */
  #callBack(executionId: string): void {
    const heldBack = this.#heldBack.get(executionId);
    this.#heldBack.delete(executionId);
    if (heldBack === undefined || Date.now() > heldBack.until - TOO_LATE_MS) return;
    nak(this.#options.bus, heldBack.place.ackSubject);
  }

  /** All who know where it runs tell its worker: the one that holds the task may be frozen, or gone. */
  #tellWorker(executionId: string): void {
    const { bus, assignments, runsAt } = this.#options;
    const workerId = assignments.find(executionId)?.workerId ?? runsAt(executionId);
    if (workerId === undefined) return;
    const action = this.has(executionId) ? "pause" : "resume";
    const order = { action, executionId, revision: this.watch.revision };
    bus.outbox.publish(bus.names.workerControl(workerId), JSON.stringify(order));
  }

  /** Of those that have ended unnoticed the flags go; those of the others are kept from being forgotten. */
  async #sweep(): Promise<void> {
    for (const flag of this.watch.all()) await this.#look(flag);
  }

  async #look(flag: StoredFlag): Promise<void> {
    const { bus, flags } = this.#options;
    if ((await findResult(bus, flag.executionId)) !== undefined) await flags.remove(flag);
    // Lanes that are too deep to be searched keep the other flags from nothing.
    else if (flag.lane === undefined) await this.#guard(this.#finish(flag));
    else if (Date.now() - flag.storedAt > RENEW_AFTER_MS) {
      const { reason, at, flowId, lane } = flag;
      await flags.replace(flag, { reason, at, flowId, lane });
    }
  }

  /** Whoever wrote it died, or is still at it, before it had looked whether there is such an execution. */
  async #finish(flag: StoredFlag): Promise<void> {
    const { flags, locate } = this.#options;
    const found = await locate(flag.executionId);
    if (found === undefined || found.type === "ended") return flags.remove(flag);
    const { flowId, lane } = found;
    await flags.replace(flag, { reason: flag.reason, at: flag.at, flowId, lane });
  }

  /** What fails now is done by the next sweep. */
  #guard(work: Promise<unknown>): Promise<unknown> {
    return work.catch((error: unknown) => this.#options.fault(error, "flag of what is paused"));
  }
}
