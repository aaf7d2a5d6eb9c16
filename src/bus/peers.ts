import type { Msg, Subscription } from "nats";
import { UnreachableError, WaitTimeoutError } from "../domain/errors.ts";
import { isId } from "../domain/ids.ts";
import { isLane, type Lane } from "../domain/lane.ts";
import { isCutOff, judgePeer, PEER_SILENCE } from "../domain/peer-silence.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";

export interface PeersEvents {
  /** Sequences of the messages of a lane in this orchestrator's books, or paused and away for a while. */
  readonly held: (lane: Lane) => Promise<readonly number[]>;
  /** Another orchestrator has left, nobody listens for it any more, or it was silent for too long. */
  readonly gone: (orchestratorId: string) => void;
  /** A first look around is over: those that are there are known. */
  readonly settled: () => void;
  /** An own beat has not come back in time: what others do not say means nothing. Said again while it is so. */
  readonly doubt: () => void;
  /** No own beat comes back: this one is cut off from the bus, or stood still. */
  readonly cutOff: (silentMs: number) => void;
  /** They do again. The others may have taken over what this one had. */
  readonly back: (silentMs: number) => void;
  readonly fault: (error: unknown, what: string) => void;
}

interface Peer {
  heardAt: number;
  /** Probes in a row that nobody listened to. */
  unheard: number;
}

const BEAT_MS = 1_000;
/** One probe may fall into the moment in which a peer connects anew. */
const PROBES = 2;
const PROBE_MS = 1_000;
const HELD_MS = 2_000;
/** Who did not hear itself does not judge others for so long. */
const DOUBT_MS = 5_000;
const FIRST_LOOK_MS = 2_500;

/**
 * The other orchestrators on the bus. Each beats once a second; one that falls silent is probed, and
 * counts as gone when nobody listens for it, or when it has neither beaten nor answered for too long.
 * Each hears its own beats as well: one that does not is cut off, and steps back before it is judged.
 */
export class Peers {
  readonly #bus: Bus;
  readonly #id: string;
  readonly #events: PeersEvents;
  readonly #peers = new Map<string, Peer>();
  #subscriptions: Subscription[] = [];
  #timers: NodeJS.Timeout[] = [];
  #echoAt = 0;
  #toldCutOff = false;
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
    const since = Date.now() - PEER_SILENCE.staleMs;
    return ![...this.#peers].some(([id, { heardAt }]) => id < this.#id && heardAt >= since);
  }

  /** Also true of a process that stood still and has only just gone on. */
  get isCutOff(): boolean {
    return isCutOff(Date.now() - this.#echoAt);
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
    this.#listenToOneself(now - this.#echoAt);
    for (const [id, peer] of this.#peers) {
      const verdict = judgePeer(now - peer.heardAt, this.#doubts);
      if (verdict === "gone") this.#gone(id);
      else if (verdict === "to be probed") void this.#probe(id, peer);
    }
  }

  get #doubts(): boolean {
    return Date.now() <= this.#doubtUntil;
  }

  #listenToOneself(silentMs: number): void {
    if (silentMs > PEER_SILENCE.probedMs) this.#doubtUntil = Date.now() + DOUBT_MS;
    if (silentMs > PEER_SILENCE.doubtMs) this.#events.doubt();
    if (!isCutOff(silentMs) || this.#toldCutOff) return;
    this.#toldCutOff = true;
    this.#events.cutOff(silentMs);
  }

  #heard(id: string): void {
    const now = Date.now();
    if (id === this.#id) this.#heardOneself(now);
    else if (isId(id)) this.#peers.set(id, { heardAt: now, unheard: 0 });
  }

  #heardOneself(now: number): void {
    const silentMs = now - this.#echoAt;
    // After standing still this may come before the turn in which it would have been noticed.
    this.#listenToOneself(silentMs);
    this.#echoAt = now;
    if (!this.#toldCutOff) return;
    this.#toldCutOff = false;
    this.#events.back(silentMs);
  }

  #gone(id: string): void {
    if (this.#peers.delete(id)) this.#events.gone(id);
  }

  async #probe(id: string, peer: Peer): Promise<void> {
    try {
      await this.#ask(id, { action: "ping" }, PROBE_MS);
      peer.heardAt = Date.now();
      peer.unheard = 0;
    } catch (error) {
      // A time-out says nothing yet: it may have stood still for a moment, with all that it holds.
      if (error instanceof WaitTimeoutError) return;
      if (!(error instanceof UnreachableError)) return this.#events.fault(error, "peer probe");
      peer.unheard += 1;
      const isSure = peer.unheard >= PROBES && !this.#doubts;
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

  /** Who cannot say for sure does not answer: it is asked again. */
  async #tellHeld(msg: Msg, lane: Lane): Promise<void> {
    try {
      const held = await this.#events.held(lane);
      if (!this.#bus.nc.isClosed()) msg.respond(JSON.stringify({ ok: true, held }));
    } catch (error) {
      this.#events.fault(error, "what is held here");
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
    else if (order?.action === "held" && isLane(order.lane)) void this.#tellHeld(msg, order.lane);
    else
      msg.respond(JSON.stringify({ ok: false, reason: 'only "ping" and "held" are known here' }));
  }
}
