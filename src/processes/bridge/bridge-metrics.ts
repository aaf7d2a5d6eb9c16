import { Metrics, type Reading } from "../../telemetry/metrics.ts";

/** What is read of a bridge when somebody asks. */
export interface BridgeNow {
  readonly links: readonly {
    readonly direction: "in" | "out";
    readonly state: string;
    readonly runs: number;
  }[];
  /** Messages of AMQP that are not acknowledged yet. */
  readonly unsettled: number;
  /** Messages that the broker has not confirmed yet. */
  readonly unconfirmed: number;
  /** Workers that this bridge stands for. */
  readonly workers: number;
}

const ACCEPT_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30];

/** The figures of a bridge (docs/amqp.md). */
export class BridgeMetrics {
  /** The same since the start, for the log and for the health: by kind. */
  readonly counts = new Map<string, number>();
  readonly #metrics = new Metrics();
  readonly #received = this.#metrics.count(
    "batuta_amqp_received_total",
    "Messages that came over AMQP, by what became of them.",
    ["outcome"],
  );
  readonly #published = this.#metrics.count(
    "batuta_amqp_published_total",
    "Messages that went out over AMQP, by their type and by what the broker did with them.",
    ["type", "outcome"],
  );
  readonly #accepting = this.#metrics.times(
    "batuta_amqp_accept_seconds",
    "From a flow's delivery until it is stored, or among the dead.",
    ACCEPT_BUCKETS_S,
  );

  constructor(now: () => BridgeNow) {
    const gauge = (
      name: string,
      help: string,
      labels: string[],
      read: (of: BridgeNow) => Reading[],
    ) => this.#metrics.gauge(name, help, labels, () => read(now()));
    gauge(
      "batuta_amqp_link_state",
      "1 for the state that a link is in.",
      ["direction", "state"],
      ({ links }) => links.map(({ direction, state }) => [{ direction, state }, 1]),
    );
    gauge("batuta_amqp_link_runs", "How often a link came to run.", ["direction"], ({ links }) =>
      links.map(({ direction, runs }) => [{ direction }, runs]),
    );
    gauge("batuta_amqp_unsettled", "Messages that came and are not acknowledged yet.", [], (of) => [
      [{}, of.unsettled],
    ]);
    gauge("batuta_amqp_unconfirmed", "Messages that the broker has yet to confirm.", [], (of) => [
      [{}, of.unconfirmed],
    ]);
    gauge("batuta_amqp_workers", "AMQP workers that this bridge stands for.", [], (of) => [
      [{}, of.workers],
    ]);
  }

  received(outcome: string): void {
    this.#note(outcome);
    this.#received.add({ outcome });
  }

  published(type: string, outcome: string): void {
    this.#note(`${type} ${outcome}`);
    this.#published.add({ type, outcome });
  }

  accepted(afterMs: number): void {
    this.#accepting.observe(afterMs / 1_000);
  }

  text(): Promise<string> {
    return this.#metrics.text();
  }

  #note(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}
