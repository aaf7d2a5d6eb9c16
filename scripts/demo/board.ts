import { LANES } from "../../src/domain/lane.ts";
import type { DemoFlow } from "./flows.ts";
import type { Watch } from "./watch.ts";

const PLAIN_EVERY_MS = 1_000;
const LIVE_EVERY_MS = 100;

/**
 * What happens, while it happens: on a terminal a small table that is redrawn in place, elsewhere
 * one line a second.
 */
export class Board {
  readonly #watch: Watch;
  readonly #flows: readonly DemoFlow[];
  readonly #out: NodeJS.WriteStream;
  #timer: NodeJS.Timeout | undefined;
  #drawn = 0;

  constructor(watch: Watch, flows: readonly DemoFlow[], out: NodeJS.WriteStream) {
    this.#watch = watch;
    this.#flows = flows;
    this.#out = out;
  }

  start(): void {
    const everyMs = this.#out.isTTY ? LIVE_EVERY_MS : PLAIN_EVERY_MS;
    this.#timer = setInterval(() => this.draw(), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.draw();
  }

  /** A line that stays, above the table. */
  say(text: string): void {
    this.#wipe();
    this.#out.write(`${text}\n`);
    if (this.#out.isTTY) this.draw();
  }

  draw(): void {
    this.#wipe();
    const lines = this.#out.isTTY ? this.#table() : [this.#oneLine()];
    this.#out.write(`${lines.join("\n")}\n`);
    this.#drawn = this.#out.isTTY ? lines.length : 0;
  }

  #wipe(): void {
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
  }

  #table(): string[] {
    const workers = new Map<string, string>();
    for (const { workerId, to } of this.#watch.states) workers.set(workerId, to);
    return [
      ...LANES.map((lane) => `  ${lane.padEnd(7)}${this.#marks(lane)}`),
      `  ${[...workers].map(([id, state]) => `${id} ${state}`).join(" · ")}`,
    ];
  }

  /** One letter for each execution of a lane: . published, w waiting, R running, … */
  #marks(lane: DemoFlow["lane"]): string {
    const mine = this.#flows.filter((flow) => flow.lane === lane);
    return mine
      .map(
        ({ executionId }) => MARKS[this.#watch.executions.get(executionId)?.phase ?? "published"],
      )
      .join(" ");
  }

  #oneLine(): string {
    const phases = [...this.#watch.executions.values()].map(({ phase }) => phase);
    const count = (phase: string) => phases.filter((each) => each === phase).length;
    return `  ${this.#watch.ended} of ${this.#flows.length} ended: ${count("completed")} completed, ${count("failed")} failed; ${count("running")} running, ${count("retrying")} waiting for a retry`;
  }
}

const MARKS: Readonly<Record<string, string>> = {
  published: "·",
  waiting: "w",
  running: "R",
  retrying: "r",
  moved: "m",
  completed: "✓",
  failed: "✗",
};
