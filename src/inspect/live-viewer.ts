import type { ActorRecord } from "../messages/inspection.ts";
import type { FollowRequest, LiveMessage } from "../messages/inspection-live.ts";
import type { Connection } from "./connection.ts";
import type { LiveTexts } from "./live-texts.ts";
import type { Mirror } from "./mirror.ts";

/** How many actors are told in one message. */
export const CHUNK = 1_000;
const MAX_RECORDS = 2_000;
const MAX_RECORD_CHARS = 2_097_152;

/** What all viewers are told of the same moment, written once. */
interface Changes {
  readonly keys: ReadonlySet<string>;
  /** Undefined where there are too many for one message. */
  readonly text: string | undefined;
}

/**
 * One page that looks. It gets everything there is, then what changed; while it reads too slowly the
 * names of what it has missed are kept and no more, so that it costs as much as there are actors.
 */
export class LiveViewer {
  readonly #connection: Connection;
  readonly #mirror: Mirror;
  readonly #texts: LiveTexts;
  /** Keys that are still to be told for the first time; undefined before that has begun. */
  #unsent: string[] | undefined;
  #isFirst = true;
  #owesNodes = true;
  #machinesTold = 0;
  /** Missed: changed since, or gone. */
  readonly #owed = new Set<string>();
  #follows: FollowRequest = { type: "follow", keys: [], all: false };
  #followed: ReadonlySet<string> = new Set();
  #records: string[] = [];
  #recordChars = 0;
  #dropped = 0;
  #toldDropped = 0;

  constructor(connection: Connection, mirror: Mirror, texts: LiveTexts) {
    this.#connection = connection;
    this.#mirror = mirror;
    this.#texts = texts;
  }

  /** Tells all there is, as fast as it is read. */
  begin(at: string): void {
    this.#send({ type: "hello", v: 1, at });
    this.#unsent = [...this.#mirror.actors.keys()].reverse();
    this.flush(at);
  }

  /** Whether it has been told all there is, and was quick enough to take it. */
  get #isUpToDate(): boolean {
    return !this.#isFirst && this.#unsent?.length === 0 && this.#owed.size === 0;
  }

  /** Since the last one; for one who is behind they are kept for later. */
  change({ keys, text }: Changes): void {
    if (this.#unsent === undefined) return;
    const canTake = this.#isUpToDate && this.#connection.hasRoom;
    if (text !== undefined && canTake) this.#connection.send(text);
    else for (const key of keys) this.#owed.add(key);
  }

  oweNodes(): void {
    this.#owesNodes = true;
  }

  follow(request: FollowRequest): void {
    this.#follows = request;
    this.#followed = new Set(request.keys);
    for (const key of this.#followed) {
      const record = this.#mirror.actors.get(key);
      if (record !== undefined) this.#keep(this.#texts.record(record, true));
    }
  }

  /** Addresses of the actors that are followed. */
  get followed(): readonly string[] {
    return [...this.#followed].flatMap((key) => this.#mirror.actors.get(key)?.address ?? []);
  }

  record(key: string, record: ActorRecord): void {
    if (this.#followed.has(key)) this.#keep(this.#texts.record(record, true));
    else if (this.#follows.all) this.#keep(this.#texts.record(record, false));
  }

  refuse(reason: string): void {
    if (this.#connection.hasRoom) this.#send({ type: "refused", reason });
    else this.#connection.refuse("what is refused is not read");
  }

  /** Sends what waits, as long as there is room. */
  flush(at: string): void {
    if (this.#unsent === undefined) return;
    if (this.#connection.hasRoom) this.#sendSurroundings();
    while (this.#connection.hasRoom && (this.#isFirst || this.#unsent.length > 0))
      this.#sendChunk();
    if (this.#unsent.length > 0) return;
    while (this.#connection.hasRoom && this.#owed.size > 0) this.#sendOwed(at);
    if (this.#connection.hasRoom) this.#sendRecords();
  }

  #sendSurroundings(): void {
    const { machines } = this.#mirror;
    if (this.#owesNodes) this.#connection.send(this.#texts.nodes());
    this.#owesNodes = false;
    if (machines.size === this.#machinesTold) return;
    const fresh = [...machines.values()].slice(this.#machinesTold);
    this.#machinesTold = machines.size;
    this.#connection.send(this.#texts.machines(fresh));
  }

  #sendChunk(): void {
    const keys = this.#unsent?.splice(-CHUNK).reverse() ?? [];
    const isLast = this.#unsent?.length === 0;
    this.#connection.send(this.#texts.actors(keys, this.#isFirst, isLast));
    this.#isFirst = false;
  }

  #sendOwed(at: string): void {
    const keys: string[] = [];
    for (const key of this.#owed) {
      if (keys.length >= CHUNK) break;
      keys.push(key);
    }
    for (const key of keys) this.#owed.delete(key);
    this.#connection.send(this.#texts.changes(at, keys));
  }

  #sendRecords(): void {
    if (this.#records.length === 0 && this.#dropped === this.#toldDropped) return;
    const records = this.#records.join(",");
    this.#connection.send(`{"type":"records","records":[${records}],"dropped":${this.#dropped}}`);
    this.#toldDropped = this.#dropped;
    this.#records = [];
    this.#recordChars = 0;
  }

  #keep(text: string): void {
    const isFull = this.#records.length >= MAX_RECORDS;
    if (isFull || this.#recordChars + text.length > MAX_RECORD_CHARS) {
      this.#dropped += 1;
      return;
    }
    this.#records.push(text);
    this.#recordChars += text.length;
  }

  #send(message: LiveMessage): void {
    this.#connection.send(JSON.stringify(message));
  }
}
