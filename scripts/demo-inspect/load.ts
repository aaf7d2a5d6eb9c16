import type { Bus } from "../../src/bus/connect.ts";
import { publishStored } from "../../src/bus/publish.ts";
import type { Check } from "../demo/summary.ts";

const PACE_MS = 100;
const END_MS = 60_000;

/** A few flows all the time, so that workers have something to do; each has to end, and once. */
export class Load {
  readonly #bus: Bus;
  readonly #ended = new Map<string, number>();
  readonly #published: Promise<unknown>[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(bus: Bus) {
    this.#bus = bus;
    bus.nc.subscribe(bus.names.result("*"), {
      callback: (_, msg) => {
        const id = bus.names.executionOf(msg.subject);
        this.#ended.set(id, (this.#ended.get(id) ?? 0) + 1);
      },
    });
  }

  start(): void {
    this.#timer = setInterval(() => this.#publish(), PACE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async check(): Promise<Check> {
    this.stop();
    await Promise.all(this.#published);
    const count = this.#published.length;
    const giveUpAt = Date.now() + END_MS;
    while (this.#ended.size < count && Date.now() < giveUpAt)
      await new Promise((resolve) => setTimeout(resolve, 100));
    const lost = count - this.#ended.size;
    return {
      what: `each of the ${count} executions that ran meanwhile has ended`,
      faults: lost === 0 ? [] : [`${lost} have not`],
    };
  }

  #publish(): void {
    const index = this.#published.length;
    const delayMs = index % 20 === 0 ? 3_000 : 200;
    const nodes = [{ id: "wait", type: "delay", config: { delayMs } }];
    const flowData = { name: "demo", version: 1, nodes, connections: [] };
    const body = { flowId: "demo", executionId: `demo-${index}`, flowData };
    const { names } = this.#bus;
    this.#published.push(publishStored(this.#bus, names.execute("normal"), JSON.stringify(body)));
  }
}
