import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";
import { isNoResponders } from "./request-mux.ts";

/** What our workers answer; a worker of another make may answer anything. */
interface Pong {
  readonly incarnation?: string;
}

export interface PingEvents {
  /** The loop that takes tasks has answered. */
  readonly pong: (workerId: string, incarnation: string | undefined) => void;
  /** Nobody listens on its ping subject: its process or its connection is gone. */
  readonly unreachable: (workerId: string) => void;
}

const PING_MS = 1_000;
const EMPTY = new Uint8Array();

/**
 * Asks every worker once a second whether it is there. The server itself answers for one that is
 * gone, within a millisecond; silence means nothing here, that is what beats are for.
 */
export class Pinger {
  readonly #bus: Bus;
  readonly #workerIds: () => Iterable<string>;
  readonly #events: PingEvents;
  #timer: NodeJS.Timeout | undefined;

  constructor(bus: Bus, workerIds: () => Iterable<string>, events: PingEvents) {
    this.#bus = bus;
    this.#workerIds = workerIds;
    this.#events = events;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#round(), PING_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  ping(workerId: string): void {
    const subject = this.#bus.names.ping(workerId);
    this.#bus.mux.send(subject, EMPTY, { timeoutMs: 5 * PING_MS }, (msg) => {
      if (msg === undefined) return;
      if (isNoResponders(msg)) this.#events.unreachable(workerId);
      else this.#events.pong(workerId, jsonOf<Pong>(msg)?.incarnation);
    });
  }

  #round(): void {
    for (const workerId of this.#workerIds()) this.ping(workerId);
  }
}
