import type { ActorRecord } from "../messages/inspection.ts";
import type { Connection } from "./connection.ts";
import type { Mirror } from "./mirror.ts";
import type { StatelyTexts } from "./stately-messages.ts";

/**
 * One receiver of Stately's protocol. Every actor is sent before what it does, with its definition.
 *
 * What a slow receiver cannot take is dropped and counted, and the actors that it was about are sent
 * anew once there is room: it misses events, but no actor is ever shown in a state that it has left.
 */
export class StatelyViewer {
  readonly #connection: Connection;
  readonly #mirror: Mirror;
  readonly #texts: StatelyTexts;
  readonly #sent = new Map<string, string>();
  /** To be sent, as they are when there is room. */
  readonly #owed: Set<string>;
  /** By the hash of the definition that they wait for. */
  readonly #waiting = new Map<string, Set<string>>();
  /** Of actors that are gone and were shown as something else. */
  readonly #farewells = new Map<string, string>();
  #dropped = 0;

  constructor(connection: Connection, mirror: Mirror, texts: StatelyTexts) {
    this.#connection = connection;
    this.#mirror = mirror;
    this.#texts = texts;
    this.#owed = new Set(mirror.actors.keys());
  }

  /** How many messages it was too slow for. */
  get dropped(): number {
    return this.#dropped;
  }

  record(key: string, record: ActorRecord): void {
    // It is still to be sent, and then as it is since this record.
    if (this.#owed.has(key)) return;
    const isKnown = this.#sent.get(key) === record.incarnation;
    if (isKnown && this.#connection.hasRoom) this.#sendAll(this.#texts.step(record));
    else {
      if (isKnown) this.#dropped += 1;
      this.#owed.add(key);
      this.flush();
    }
  }

  /** Nobody is told of the end of an actor but by its snapshot. */
  gone(key: string, record: ActorRecord): void {
    this.#owed.delete(key);
    this.#waiting.get(record.machine)?.delete(key);
    if (!this.#sent.delete(key) || record.status === "stopped" || record.status === "done") return;
    this.#farewells.set(key, this.#texts.stand(record, "stopped"));
    this.flush();
  }

  /** Its actors are lost or found: each is shown so. */
  turn(node: string): void {
    for (const key of this.#sent.keys())
      if (this.#mirror.actors.get(key)?.node === node) this.#owed.add(key);
    this.flush();
  }

  /** A definition has come. */
  define(hash: string): void {
    for (const key of this.#waiting.get(hash) ?? []) this.#owed.add(key);
    this.#waiting.delete(hash);
    this.flush();
  }

  /** Sends what waits, as long as there is room. */
  flush(): void {
    for (const [key, text] of this.#farewells) {
      if (!this.#connection.hasRoom) return;
      this.#farewells.delete(key);
      this.#connection.send(text);
    }
    for (const key of this.#owed) {
      if (!this.#connection.hasRoom) return;
      this.#owed.delete(key);
      const record = this.#mirror.actors.get(key);
      if (record !== undefined) this.#sendActor(key, record);
    }
  }

  #sendActor(key: string, record: ActorRecord): void {
    const text = this.#texts.actor(record);
    if (text === undefined) {
      const others = this.#waiting.get(record.machine);
      if (others) others.add(key);
      else this.#waiting.set(record.machine, new Set([key]));
      return;
    }
    this.#sent.set(key, record.incarnation);
    this.#farewells.delete(key);
    this.#connection.send(text);
  }

  #sendAll(texts: readonly string[]): void {
    for (const text of texts) this.#connection.send(text);
  }
}
