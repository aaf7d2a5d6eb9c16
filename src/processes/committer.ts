import type { Bus } from "../bus/connect.ts";
import { type OnFull, type StoreOutcome, storeResult, storeResultOnce } from "../bus/results.ts";
import type { ExecutionResult } from "../messages/result.ts";
import type { RunningTask } from "./running-task.ts";

/** A terminal record on its way into the result stream. */
export interface Commit {
  readonly running: RunningTask;
  readonly status: "completed" | "cancelled";
  readonly result: ExecutionResult;
}

const CONTESTED_AFTER_MS = 2_000;
const SETTLE_LATEST_MS = 1;

/** Stores terminal records by compare-and-set, and tells what came of each. */
export class Committer {
  readonly #bus: Bus;
  readonly #settle: (commit: Commit, answer: StoreOutcome | Error) => void;
  readonly #onFull: OnFull;
  readonly #answered: (readonly [commit: Commit, answer: StoreOutcome | Error])[] = [];
  #outstanding = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    bus: Bus,
    settle: (commit: Commit, answer: StoreOutcome | Error) => void,
    onFull: OnFull,
  ) {
    this.#bus = bus;
    this.#settle = settle;
    this.#onFull = onFull;
  }

  store(commit: Commit): void {
    this.#outstanding += 1;
    const answered = (answer: StoreOutcome | Error) => {
      this.#outstanding -= 1;
      this.#answered.push([commit, answer]);
      this.#planSettling();
    };
    const { running, result } = commit;
    // A task that took its time or was tried before may have been given to another meanwhile.
    const isContested = running.task.attempt > 1 || result.durationMs > CONTESTED_AFTER_MS;
    if (isContested) storeResultOnce(this.#bus, result, this.#onFull).then(answered, answered);
    else storeResult(this.#bus, result, answered, this.#onFull);
  }

  /**
   * The answers come in dribs. Those that belong together are settled together, with the last of
   * them or after 1 ms: acks, events and report then share one write.
   */
  #planSettling(): void {
    if (this.#outstanding === 0) this.#settleAnswered();
    else this.#timer ??= setTimeout(() => this.#settleAnswered(), SETTLE_LATEST_MS);
  }

  #settleAnswered(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [commit, answer] of this.#answered.splice(0)) this.#settle(commit, answer);
  }
}
