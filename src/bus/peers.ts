import type { Msg, Subscription } from "nats";
import { UnreachableError, WaitTimeoutError } from "../domain/errors.ts";
import { isId } from "../domain/ids.ts";
import { isLane, type Lane } from "../domain/lane.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";

export interface PeersEvents {
  /** Sequences of the messages of a lane in this orchestrator's books. */
  readonly held: (lane: Lane) => readonly number[];
  /** Another orchestrator has left, or nobody listens for it any more. */
  readonly gone: (orchestratorId: string) => void;
  /** Another one is connected and does not answer: it is frozen, or cut off. It may come back. */
  readonly away: (orchestratorId: string) => void;
  /** Another one says that this one was away: its books are not its own any more. */
  readonly wasAway: () => void;
  /** A first look around is over: those that are there are known. */
  readonly settled: () => void;
  readonly fault: (error: unknown, what: string) => void;
}

interface Peer {
  heardAt: number;
  /** Probes in a row that nobody listened to. */
  unheard: number;
  /** It did not answer for so long that others took over what it had. */
  isAway: boolean;
}

const BEAT_MS = 1_000;
/** A peer that was silent for longer is probed. */
const SILENT_MS = 1_500;
/** One probe may fall into the moment in which a peer connects anew. */
const PROBES = 2;
const PROBE_MS = 1_000;
/** A peer that was silent for longer and does not answer is away. */
const AWAY_MS = 4_000;
const HELD_MS = 2_000;
/** Of those that were silent for longer nothing is expected. */
const STALE_MS = 5_000;
/** Who did not hear itself for so long does not judge others for the same time. */
const DOUBT_MS = 5_000;
const FIRST_LOOK_MS = 2_500;

/**
 * The other orchestrators on the bus. Each beats once a second; one that falls silent is probed, and
 * counts as gone when nobody listens for it. One that is there and does not answer is away: what it has
 * is taken over as well, and it is told so when it is heard again.
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
    return ![...this.#peers].some(
      ([id, { heardAt, isAway }]) => id < this.#id && !isAway && heardAt >= since,
    );
  }

  get areThere(): boolean {
    return this.#peers.size > 0;
  }

  /**
   * Sequences of the messages of a lane that the other orchestrators have in their books. Those that
   * are away are not asked: what they have is up for grabs.
   *
   * @throws WaitTimeoutError when one does not say.
   */
  async held(lane: Lane): Promise<readonly number[]> {
    const there = [...this.#peers].filter(([, { isAway }]) => !isAway);
    const lists = await Promise.all(there.map(([id]) => this.#heldBy(id, lane)));
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
    else if (isId(id)) {
      const wasAway = this.#peers.get(id)?.isAway === true;
      this.#peers.set(id, { heardAt: now, unheard: 0, isAway: false });
      if (wasAway) this.#order(id, { action: "away" });
    }
  }

  #order(id: string, order: object): void {
    this.#bus.nc.publish(this.#bus.names.orchestratorControl(id), JSON.stringify(order));
  }

  #gone(id: string): void {
    if (this.#peers.delete(id)) this.#events.gone(id);
  }

  async #probe(id: string, peer: Peer): Promise<void> {
    try {
      await this.#ask(id, { action: "ping" }, PROBE_MS);
      peer.unheard = 0;
    } catch (error) {
      if (error instanceof WaitTimeoutError) return this.#unanswered(id, peer);
      if (!(error instanceof UnreachableError)) return this.#events.fault(error, "peer probe");
      peer.unheard += 1;
      const isSure = peer.unheard >= PROBES && Date.now() > this.#doubtUntil;
      if (isSure && this.#peers.get(id) === peer) this.#gone(id);
    }
  }

  #unanswered(id: string, peer: Peer): void {
    const now = Date.now();
    const isSure = now - peer.heardAt > AWAY_MS && now > this.#doubtUntil;
    if (!isSure || peer.isAway || this.#peers.get(id) !== peer) return;
    peer.isAway = true;
    this.#events.away(id);
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
    const order = jsonOf<{ readonly action?: unknown; readonly lane?: unknown }>(msg);
    if (order?.action === "away") this.#events.wasAway();
    if (!msg.reply) return;
    if (order?.action === "ping") msg.respond(JSON.stringify({ ok: true }));
    else if (order?.action === "held" && isLane(order.lane))
      msg.respond(JSON.stringify({ ok: true, held: this.#events.held(order.lane) }));
    else
      msg.respond(JSON.stringify({ ok: false, reason: 'only "ping" and "held" are known here' }));
  }
}
