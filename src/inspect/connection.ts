import type { WebSocket } from "ws";

export interface ConnectionLimits {
  /** How many bytes may wait to be taken before a viewer counts as slow; default 1 MiB. */
  readonly waitingBytes: number;
  /** A connection without a sign of life for so long is cut; default 30 s. */
  readonly silenceMs: number;
  /** How many messages may come within 10 s; default 200. */
  readonly messagesPer10s: number;
}

/** What comes of a connection. */
export interface ConnectionEvents {
  text(text: string): void;
  /** Some of what was waiting has been taken: there is room again. */
  drained(): void;
  closed(): void;
}

/** One WebSocket of a viewer. Nothing is sent to one that is slow unless the caller wants it to be. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #limits: ConnectionLimits;
  readonly #onTrouble: (reason: string) => void;
  #signAt: number;
  #waitedBytes = 0;
  #sentBytes = 0;
  #takenBytes = 0;
  #window = { startedAt: 0, messages: 0 };

  constructor(
    socket: WebSocket,
    limits: ConnectionLimits,
    now: number,
    onTrouble: (reason: string) => void,
  ) {
    this.#socket = socket;
    this.#limits = limits;
    this.#onTrouble = onTrouble;
    this.#signAt = now;
  }

  listen(events: ConnectionEvents, now: () => number): void {
    const socket = this.#socket;
    socket.on("pong", () => this.#heard(now()));
    socket.on("message", (data, isBinary) => {
      this.#heard(now());
      if (isBinary) this.refuse("a binary frame");
      else if (this.#isFlooded(now())) this.refuse("too many frames");
      else if (socket.readyState === socket.OPEN) events.text(String(data));
    });
    // What breaks the protocol, and frames that are too large: the library closes with its code.
    socket.on("error", (error) => this.#onTrouble(error.message));
    socket.on("close", () => events.closed());
    this.#drained = events.drained;
  }

  #drained: () => void = () => {};

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Whether more may be sent. */
  get hasRoom(): boolean {
    return this.isOpen && this.#socket.bufferedAmount < this.#limits.waitingBytes;
  }

  send(text: string): void {
    if (!this.isOpen) return;
    this.#sentBytes += text.length;
    // An error closes the socket, which is told by "close".
    this.#socket.send(text, (error) => {
      if (!error) this.#drained();
    });
  }

  /** Closes because of what was sent. */
  refuse(reason: string): void {
    if (!this.isOpen) return;
    this.#onTrouble(reason);
    this.#socket.close(1008, reason);
  }

  goAway(): void {
    this.#socket.close(1001, "the orchestrator is closing");
  }

  /**
   * Asks for a sign of life, and cuts who gave none for too long. One with much to read cannot answer
   * before it has read it, so what it takes counts as well; without that much waiting, "taken" says
   * no more than that our own machine has it.
   */
  check(now: number): void {
    const taken = this.#sentBytes - this.#socket.bufferedAmount;
    if (this.#waitedBytes > 0 && taken > this.#takenBytes) this.#signAt = now;
    this.#takenBytes = taken;
    this.#waitedBytes = this.#socket.bufferedAmount;
    if (now - this.#signAt <= this.#limits.silenceMs) {
      if (this.isOpen && this.#waitedBytes === 0) this.#socket.ping();
      return;
    }
    this.#onTrouble("no sign of life");
    this.#socket.terminate();
  }

  #heard(now: number): void {
    this.#signAt = now;
  }

  #isFlooded(now: number): boolean {
    if (now - this.#window.startedAt > 10_000) this.#window = { startedAt: now, messages: 0 };
    this.#window.messages += 1;
    return this.#window.messages > this.#limits.messagesPer10s;
  }
}
