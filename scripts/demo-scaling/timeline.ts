import type { Bus } from "../../src/bus/connect.ts";
import { type LaneDepth, laneDepths } from "../../src/bus/lane-stats.ts";
import type { ScalingDecision } from "../../src/domain/scaling-facts.ts";
import type { Decision } from "../../src/messages/decision.ts";
import type { ExecutionResult } from "../../src/messages/result.ts";
import type { WorkerStateEvent } from "../../src/messages/worker.ts";

const LOOK_MS = 200;
const LINE_MS = 1_000;

export interface TimedDecision {
  readonly at: number;
  readonly choice: ScalingDecision;
}

/** What is seen of the burst from outside: everything comes from the bus. */
export class Timeline {
  readonly results: ExecutionResult[] = [];
  readonly decisions: TimedDecision[] = [];
  readonly states: WorkerStateEvent[] = [];
  /** When more than the watermark waited for the first time, epoch milliseconds. */
  crossedAt: number | undefined;
  /** When each worker had its first result. */
  readonly servedAt = new Map<string, number>();
  readonly #bus: Bus;
  readonly #watermark: number;
  readonly #startedAt = Date.now();
  #depth = 0;
  #told = "";
  #timers: NodeJS.Timeout[] = [];
  #waiting: (() => void)[] = [];

  constructor(bus: Bus, watermark: number) {
    this.#bus = bus;
    this.#watermark = watermark;
    const { nc, names } = bus;
    const on = <T>(subject: string, hear: (body: T) => void) =>
      nc.subscribe(subject, {
        callback: (error, msg) => {
          if (error !== null) return;
          hear(msg.json<T>());
          for (const tell of this.#waiting.splice(0)) tell();
        },
      });
    on<ExecutionResult>(names.result("*"), (result) => this.#ended(result));
    on<WorkerStateEvent>(names.workerState("*"), (event) => void this.states.push(event));
    on<Decision<unknown, ScalingDecision>>(names.decision("scale"), ({ at, choice }) =>
      this.decisions.push({ at: Date.parse(at), choice }),
    );
  }

  /** Workers that are healthy, or at least not gone. */
  count(...states: readonly WorkerStateEvent["to"][]): number {
    const last = new Map(this.states.map(({ workerId, to }) => [workerId, to]));
    return [...last.values()].filter((to) => states.includes(to)).length;
  }

  start(print: (line: string) => void): void {
    print("    t   waiting  load  workers (healthy/wanted)  decision");
    this.#timers = [
      setInterval(() => void this.#look(), LOOK_MS),
      setInterval(() => print(this.#line()), LINE_MS),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** @throws Error when it is not so in time. */
  async until(what: string, timeoutMs: number, is: () => boolean): Promise<void> {
    const giveUpAt = Date.now() + timeoutMs;
    while (!is()) {
      if (Date.now() > giveUpAt) throw new Error(`${what} was not seen in ${timeoutMs / 1_000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_MS);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #ended(result: ExecutionResult): void {
    this.results.push(result);
    const { workerId } = result;
    if (workerId !== null && !this.servedAt.has(workerId)) this.servedAt.set(workerId, Date.now());
  }

  async #look(): Promise<void> {
    const depths = await laneDepths(this.#bus).catch((): LaneDepth[] => []);
    this.#depth = depths.reduce((sum, { pending }) => sum + pending, 0);
    if (this.#depth > this.#watermark) this.crossedAt ??= Date.now();
  }

  #line(): string {
    const last = this.decisions.at(-1)?.choice;
    const text =
      last === undefined
        ? ""
        : `${last.action === "hold" ? "hold" : `${last.action} ${last.count} -> ${last.desired}`}: ${last.reasons.join("; ")}`;
    const news = text === this.#told ? "" : text;
    this.#told = text;
    const t = `${((Date.now() - this.#startedAt) / 1_000).toFixed(0)} s`;
    const alive = `${this.count("healthy")}/${last?.desired ?? "?"}`;
    return `${t.padStart(6)}  ${String(this.#depth).padStart(7)}  ${this.#load().padStart(5)}  ${alive.padEnd(24)}  ${news}`;
  }

  /** As the last decision saw it. */
  #load(): string {
    const share = /load (\d+ %)/.exec(this.decisions.at(-1)?.choice.reasons.join() ?? "");
    return share?.[1] ?? "";
  }
}
