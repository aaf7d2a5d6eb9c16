import type { Bus } from "../bus/connect.ts";
import { Pulse } from "../bus/pulse.ts";
import { ensureTopology, type TopologyOptions } from "../bus/topology.ts";
import { type BusStanding, describeSilence, judgeSilence } from "../domain/silence.ts";
import type { ProcessLog } from "./process-log.ts";

export interface BusWatchEvents {
  readonly lost: () => void;
  /** It answers again, and every stream is there. */
  readonly back: () => void;
  /** It has not answered for a while: what is not heard means nothing. Said again while it is so. */
  readonly doubt: (reason: string) => void;
  /** For so long the server has owed an answer; 0 once it answers again. */
  readonly silence: (silentMs: number) => void;
}

const RETRY_MS = 500;

/**
 * Watches the bus until the connection is closed. After a reconnect the topology is made anew before
 * anything else: memory streams are gone after a restart of the server. A server that is connected
 * and says nothing counts as doubtful at first, then as lost.
 */
export class BusWatch {
  readonly #bus: Bus;
  readonly #topology: TopologyOptions;
  readonly #events: BusWatchEvents;
  readonly #log: ProcessLog;
  readonly #pulse: Pulse;
  #standing: BusStanding = "answers";
  /** Disconnected, or the topology is not made yet. */
  #isCut = false;

  constructor(bus: Bus, topology: TopologyOptions, events: BusWatchEvents, log: ProcessLog) {
    this.#bus = bus;
    this.#topology = topology;
    this.#events = events;
    this.#log = log;
    this.#pulse = new Pulse(bus, (silentMs) => this.#heard(silentMs));
  }

  start(): void {
    this.#pulse.start();
    void this.#follow();
  }

  stop(): void {
    this.#pulse.stop();
  }

  /** What is wrong with the bus; undefined while it answers. */
  get trouble(): string | undefined {
    if (this.#isCut) return "there is no connection to the bus";
    return this.#standing === "answers" ? undefined : describeSilence(this.#pulse.silentMs);
  }

  async #follow(): Promise<void> {
    for await (const status of this.#bus.nc.status()) {
      if (status.type === "disconnect") {
        this.#isCut = true;
        this.#events.lost();
      }
      if (status.type === "reconnect" && (await this.#restore())) {
        this.#isCut = false;
        this.#events.back();
      }
    }
  }

  #heard(silentMs: number): void {
    const before = this.#standing;
    this.#standing = judgeSilence(silentMs);
    if (this.#isCut) return;
    if (this.#standing !== "answers" || before !== "answers") this.#events.silence(silentMs);
    if (this.#standing === "answers") {
      if (before !== "answers") this.#log.info({}, "bus answers again");
      if (before === "lost") this.#events.back();
      return;
    }
    if (before === "answers") this.#log.warn({ silentMs }, "bus does not answer");
    if (this.#standing === "lost" && before !== "lost") this.#events.lost();
    this.#events.doubt(describeSilence(silentMs));
  }

  async #restore(): Promise<boolean> {
    const { nc } = this.#bus;
    this.#log.info({ server: nc.getServer() }, "bus is back");
    for (let attempt = 1; !nc.isClosed(); attempt += 1) {
      try {
        await ensureTopology(this.#bus, this.#topology);
        return true;
      } catch (error) {
        this.#log.warn({ err: error, attempt }, "topology could not be checked; trying again");
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    return false;
  }
}
