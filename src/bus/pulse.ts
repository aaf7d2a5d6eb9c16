import { createInbox, type Subscription } from "nats";
import type { Bus } from "./connect.ts";

const BEAT_MS = 500;
const EMPTY = new Uint8Array();

/**
 * Whether the server answers: twice a second something is sent to it that it has to send back. A
 * connection alone does not tell: that to a frozen server, or behind a cut cable, stays open for
 * half a minute.
 */
export class Pulse {
  readonly #bus: Pick<Bus, "nc">;
  readonly #onBeat: (silentMs: number) => void;
  readonly #inbox = createInbox();
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Beats sent since the last echo. Counted, not timed: one's own standstill is not the server's. */
  #unanswered = 0;

  /** `onBeat` is called at each beat, and at the first echo after a silence with 0. */
  constructor(bus: Pick<Bus, "nc">, onBeat: (silentMs: number) => void) {
    this.#bus = bus;
    this.#onBeat = onBeat;
  }

  start(): void {
    this.#subscription ??= this.#bus.nc.subscribe(this.#inbox, { callback: () => this.#echo() });
    this.#timer ??= setInterval(() => this.#beat(), BEAT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#timer = undefined;
  }

  /** How long the server has owed an answer, to half a second. */
  get silentMs(): number {
    return Math.max(0, this.#unanswered - 1) * BEAT_MS;
  }

  #beat(): void {
    if (this.#bus.nc.isClosed()) return;
    this.#unanswered += 1;
    this.#bus.nc.publish(this.#inbox, EMPTY);
    this.#onBeat(this.silentMs);
  }

  #echo(): void {
    const wasSilent = this.silentMs > 0;
    this.#unanswered = 0;
    if (wasSilent) this.#onBeat(0);
  }
}
