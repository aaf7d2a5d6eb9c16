import type { Msg, Subscription } from "nats";
import { UnreachableError, WaitTimeoutError } from "../domain/errors.ts";
import { isId } from "../domain/ids.ts";
import { isLane, type Lane } from "../domain/lane.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";

export interface PeersEvents {
  /** Sequences of the messages of a lane in this orchestrator's books, or paused and away for a while. */
  readonly held: (lane: Lane) => readonly number[];
  /** Another orchestrator has left, or nobody listens for it any more. */
  readonly gone: (orchestratorId: string) => void;
  /** A first look around is over: those that are there are known. */
  readonly settled: () => void;
  readonly fault: (error: unknown, what: string) => void;
}

interface Peer {
  heardAt: number;
  /** Probes in a row that nobody listened to. */
  unheard: number;
}

const BEAT_MS = 1_000;
/** A peer that was silent for longer is probed. */
const SILENT_MS = 1_500;
/** One probe may fall into the moment in which a peer connects anew. */
const PROBES = 2;
const PROBE_MS = 1_000;
const HELD_MS = 2_000;
/** Of those that were silent for longer nothing is expected. */
const STALE_MS = 5_000;
/** Who did not hear itself for so long does not judge others for the same time. */
const DOUBT_MS = 5_000;
const FIRST_LOOK_MS = 2_500;

/**
 * The other orchestrators on the bus. Each beats once a second; one that falls silent is probed, and
 * counts as gone when nobody listens for it, so that a frozen one is not mistaken for a dead one.
 */
export class Peers {
  readonly #bus: Bus;
  readonly #id: string;
  readonly #events: PeersEvents;
  readonly #peers = new Map<string, Peer>();
  #subscriptions: Subscription[] = [];
  #timers: NodeJS.Timeout[] = [];
  #echoAt = 0;
  #doubtUntil = 0;

  constructor(bus: Bus, id: string, events: PeersEvents) {
    this.#bus = bus;
    this.#id = id;
    this.#events = events;
  }

  start(): void {
    const { nc, names } = this.#bus;
    const on = (subject: string, handle: (msg: Msg) => void) =>
      nc.subscribe(subject, {
        callback: (error, msg) => (error === null ? handle(msg) : undefined),
      });
    this.#subscriptions = [
      on(names.orchestratorHeartbeat("*"), (msg) => this.#heard(names.idToken(msg.subject))),
      on(names.orchestratorBye("*"), (msg) => this.#gone(names.idToken(msg.subject))),
      on(names.orchestratorControl(this.#id), (msg) => this.#answer(msg)),
    ];
    this.#echoAt = Date.now();
    this.#tick();
    this.#timers = [
      setInterval(() => this.#tick(), BEAT_MS),
      setTimeout(() => this.#events.settled(), FIRST_LOOK_MS),
    ];
  }

  /** Of those that are there, one does what has to be done once: the one that came first. */
  get isFirst(): boolean {
    const since = Date.now() - STALE_MS;
    return ![...this.#peers].some(([id, { heardAt }]) => id < this.#id && heardAt >= since);
  }

  /**
   * Sequences of the messages of a lane that the other orchestrators have in their books.
   *
   * @throws WaitTimeoutError when one does not say.
   */
  async held(lane: Lane): Promise<readonly number[]> {
    const lists = await Promise.all([...this.#peers.keys()].map((id) => this.#heldBy(id, lane)));
    return lists.flat();
  }

  /** Says goodbye: what is still in the books here is taken over by another. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    if (!this.#bus.nc.isClosed()) this.#tell(this.#bus.names.orchestratorBye(this.#id));
  }

  #tell(subject: string): void {
    const body = { orchestratorId: this.#id, at: new Date().toISOString() };
    this.#bus.nc.publish(subject, JSON.stringify(body));
  }

  #tick(): void {
    if (this.#bus.nc.isClosed()) return;
    this.#tell(this.#bus.names.orchestratorHeartbeat(this.#id));
    const now = Date.now();
    if (now - this.#echoAt > SILENT_MS) this.#doubtUntil = now + DOUBT_MS;
    for (const [id, peer] of this.#peers)
      if (now - peer.heardAt > SILENT_MS) void this.#probe(id, peer);
  }

  #heard(id: string): void {
    const now = Date.now();
    if (id === this.#id) this.#echoAt = now;
    else if (isId(id)) this.#peers.set(id, { heardAt: now, unheard: 0 });
  }

  #gone(id: string): void {
    if (this.#peers.delete(id)) this.#events.gone(id);
  }

  async #probe(id: string, peer: Peer): Promise<void> {
    try {
      await this.#ask(id, { action: "ping" }, PROBE_MS);
      peer.unheard = 0;
    } catch (error) {
      // A time-out says nothing: it may be frozen and come back with all that it holds.
      if (error instanceof WaitTimeoutError) return;
      if (!(error instanceof UnreachableError)) return this.#events.fault(error, "peer probe");
      peer.unheard += 1;
      const isSure = peer.unheard >= PROBES && Date.now() > this.#doubtUntil;
      if (isSure && this.#peers.get(id) === peer) this.#gone(id);
    }
  }

  async #heldBy(id: string, lane: Lane): Promise<readonly number[]> {
    try {
      const answer = await this.#ask(id, { action: "held", lane }, HELD_MS);
      return jsonOf<{ readonly held?: readonly number[] }>(answer)?.held ?? [];
    } catch (error) {
      // Gone as well: its books went with it.
      if (error instanceof UnreachableError) return [];
      throw error;
    }
  }

  #ask(id: string, order: object, timeoutMs: number): Promise<Msg> {
    const subject = this.#bus.names.orchestratorControl(id);
    return this.#bus.mux.request(subject, JSON.stringify(order), { timeoutMs });
  }

  #answer(msg: Msg): void {
    if (!msg.reply) return;
    const order = jsonOf<{ readonly action?: unknown; readonly lane?: unknown }>(msg);
    if (order?.action === "ping") msg.respond(JSON.stringify({ ok: true }));
    else if (order?.action === "held" && isLane(order.lane))
      msg.respond(JSON.stringify({ ok: true, held: this.#events.held(order.lane) }));
    else
      msg.respond(JSON.stringify({ ok: false, reason: 'only "ping" and "held" are known here' }));
  }
}
