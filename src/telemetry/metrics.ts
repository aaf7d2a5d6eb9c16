import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** A figure that grows: how often something has happened. */
export interface Count {
  add(labels: Readonly<Record<string, string>>, by?: number): void;
}

/** How long something took. */
export interface Times {
  observe(seconds: number): void;
}

/** A value now, for each set of labels. */
export type Reading = readonly [labels: Readonly<Record<string, string>>, value: number];

/** The figures of one process, as Prometheus reads them. Names and units by its conventions. */
export class Metrics {
  static readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #registry = new Registry();

  count(name: string, help: string, labels: readonly string[]): Count {
    const counter = new Counter({
      name,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
    });
    return { add: (of, by = 1) => counter.inc({ ...of }, by) };
  }

  /** `read` is asked each time that somebody reads the figures. */
  gauge(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => readonly Reading[],
  ): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        for (const [of, value] of read()) gauge.set({ ...of }, value);
      },
    });
  }

  times(name: string, help: string, bucketsSeconds: readonly number[]): Times {
    const registers = [this.#registry];
    const histogram = new Histogram({ name, help, buckets: [...bucketsSeconds], registers });
    return { observe: (seconds) => histogram.observe(seconds) };
  }

  /** All of them, in the text format 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
