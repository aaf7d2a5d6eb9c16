import type { NatsConnection } from "nats";
import type { FlowEvent } from "../../src/messages/flow-event.ts";
import type { DeadLetter, ExecutionResult } from "../../src/messages/result.ts";
import type { BusNames } from "../../src/messages/subjects.ts";
import type { WorkerStateEvent } from "../../src/messages/worker.ts";

/** What has been seen of one execution. */
export interface Seen {
  phase: "published" | "waiting" | "running" | "retrying" | "moved" | "completed" | "failed";
  workers: string[];
  results: ExecutionResult[];
}

/** What any observer sees of Batuta with three plain subscriptions. */
export class Watch {
  readonly executions = new Map<string, Seen>();
  readonly states: WorkerStateEvent[] = [];
  readonly deadLetters: DeadLetter[] = [];
  #listeners: (() => void)[] = [];

  constructor(nc: NatsConnection, names: BusNames) {
    const on = <T>(subject: string, handle: (message: T) => void) =>
      nc.subscribe(subject, {
        callback: (error, msg) => {
          if (error !== null) return;
          handle(msg.json<T>());
          for (const listener of this.#listeners.splice(0)) listener();
        },
      });
    on<FlowEvent>(names.event("*", "*"), (event) => this.#event(event));
    on<ExecutionResult>(names.result("*"), (result) => this.#result(result));
    on<WorkerStateEvent>(names.workerState("*"), (event) => this.states.push(event));
    on<DeadLetter>(names.dead("high", "*").replace(".high.", ".*."), (letter) =>
      this.deadLetters.push(letter),
    );
  }

  /** What has been seen of an execution so far. */
  seen(executionId: string): Seen {
    const known = this.executions.get(executionId);
    if (known !== undefined) return known;
    const fresh: Seen = { phase: "published", workers: [], results: [] };
    this.executions.set(executionId, fresh);
    return fresh;
  }

  get ended(): number {
    return [...this.executions.values()].filter(({ results }) => results.length > 0).length;
  }

  /** Executions that a worker holds now. */
  runningOn(workerId: string): string[] {
    return [...this.executions]
      .filter(([, { phase, workers }]) => phase === "running" && workers.at(-1) === workerId)
      .map(([executionId]) => executionId);
  }

  /** Resolves once the condition holds; rejects after `timeoutMs`, saying what was waited for. */
  async until(what: string, timeoutMs: number, condition: () => boolean): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `${what}: not within ${timeoutMs / 1_000} s`;
      timer = setTimeout(() => reject(new Error(message)), timeoutMs);
    });
    try {
      while (!condition()) {
        await Promise.race([late, new Promise<void>((resolve) => this.#listeners.push(resolve))]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #result(result: ExecutionResult): void {
    const seen = this.seen(result.executionId);
    seen.results.push(result);
    seen.phase = result.status === "completed" ? "completed" : "failed";
  }

  #event(event: FlowEvent): void {
    const seen = this.seen(event.executionId);
    if (seen.results.length > 0) return;
    if (event.kind === "assigned" && event.workerId !== undefined)
      seen.workers.push(event.workerId);
    seen.phase = PHASES[event.kind] ?? seen.phase;
  }
}

const PHASES: Readonly<Record<string, Seen["phase"]>> = {
  accepted: "waiting",
  assigned: "running",
  started: "running",
  retrying: "retrying",
  redistributed: "moved",
};
