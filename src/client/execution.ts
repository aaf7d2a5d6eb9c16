import type { Msg, Subscription } from "nats";
import type { Bus } from "../bus/connect.ts";
import { ExecutionStore } from "../bus/executions.ts";
import { waitingStatus } from "../bus/find-execution.ts";
import { jsonOf } from "../bus/foreign.ts";
import { requestCancel, requestPause, requestStatus } from "../bus/request-control.ts";
import { findFreshResult, findResult } from "../bus/results.ts";
import { ExecutionFailedError, WaitTimeoutError } from "../domain/errors.ts";
import type { FlowEvent } from "../messages/flow-event.ts";
import type { ExecutionResult, ExecutionStatus } from "../messages/result.ts";
import { AsyncQueue } from "./async-queue.ts";

/** A missed live message (a reconnect, a restarted server) is made up for by looking this often. */
const LOOK_MS = 5_000;

/**
 * One run of a flow, as its publisher holds it. Awaiting it gives the flow's output:
 * `const output = await client.run(flow, input)`.
 *
 * Awaiting rejects with ExecutionFailedError when the execution failed or was cancelled, and with
 * UnreachableError or LaneFullError when it could not be published.
 */
export class Execution<O = unknown> implements PromiseLike<O> {
  readonly id: string;
  readonly #bus: Bus;
  readonly #ended: Promise<ExecutionResult>;
  readonly #listeners = new Set<AsyncQueue<FlowEvent>>();
  #result: ExecutionResult | undefined;
  #end: (result: ExecutionResult) => void = () => {};
  #fail: (error: unknown) => void = () => {};
  readonly #subscriptions: Subscription[] = [];
  #listensToEvents = false;
  #published: Promise<unknown> = Promise.resolve();
  #looker: NodeJS.Timeout | undefined;

  /** @internal Made by `client.run`, which publishes after this listens. */
  constructor(bus: Bus, id: string, isGiven = true) {
    this.id = id;
    this.#bus = bus;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    // Whoever awaits the handle sees the rejection; a handle that nobody awaits must not end the process.
    this.#ended.catch(() => undefined);
    this.#on(bus.names.result(id), (msg) => {
      const result = jsonOf<ExecutionResult>(msg);
      // A record that the stream refused is seen here as well; an id that was given may have one.
      if (result === undefined || isGiven) this.#look(findFreshResult);
      else this.#settle(result);
    });
  }

  /** @internal */
  watch(published: Promise<{ readonly mayHaveEnded: boolean }>): this {
    // A failure is told below; this is only waited for.
    this.#published = published.catch(() => undefined);
    published.then(
      ({ mayHaveEnded }) => (mayHaveEnded ? this.#look() : undefined),
      (error: unknown) => this.#reject(error),
    );
    this.#looker = setInterval(() => this.#look(), LOOK_MS);
    this.#looker.unref();
    return this;
  }

  /**
   * The terminal record, whether the execution completed, failed or was cancelled.
   *
   * @throws WaitTimeoutError after `timeoutMs`, if given; the execution goes on.
   */
  async result(options: { readonly timeoutMs?: number } = {}): Promise<ExecutionResult> {
    const { timeoutMs } = options;
    if (timeoutMs === undefined) return this.#ended;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `execution ${this.id} has not ended within ${timeoutMs} ms; it goes on`;
      timer = setTimeout(() => reject(new WaitTimeoutError(message)), timeoutMs);
    });
    return Promise.race([this.#ended, late]).finally(() => clearTimeout(timer));
  }

  /**
   * What is known now: from the terminal record if there is one; running or paused if an orchestrator
   * says so; paused, too, if it waits for a resume; retrying if an attempt has failed; else queued.
   */
  async status(): Promise<ExecutionStatus> {
    const result = this.#result ?? (await findResult(this.#bus, this.id));
    if (result !== undefined) return result.status;
    const running = await requestStatus(this.#bus, this.id);
    if (running !== undefined) return running.status;
    const executions = await ExecutionStore.open(this.#bus);
    const { attempts } = await executions.read(this.id);
    return waitingStatus(this.#bus, this.id, attempts.length);
  }

  /**
   * Its events from now on; ends when the execution has ended. Asked for right after `run`, in the
   * same turn, it misses none.
   */
  events(): AsyncIterableIterator<FlowEvent> {
    const queue = new AsyncQueue<FlowEvent>(() => this.#listeners.delete(queue));
    if (this.#result !== undefined) {
      queue.close();
      return queue;
    }
    if (!this.#listensToEvents) {
      this.#listensToEvents = true;
      this.#on(this.#bus.names.event(this.id, "*"), (msg) => {
        const event = jsonOf<FlowEvent>(msg);
        if (event !== undefined) this.#event(event);
      });
    }
    this.#listeners.add(queue);
    return queue;
  }

  /**
   * Asks to cancel it. True if it is cancelled now, false if it had ended before.
   *
   * @throws UnreachableError when no orchestrator is there to ask.
   * @throws NotFoundError when it ended so long ago that its result is gone.
   * @throws WaitTimeoutError when so much waits that it cannot be found now.
   */
  async cancel(reason = "cancelled by its publisher"): Promise<boolean> {
    // One that is not stored yet is in no lane.
    await this.#published;
    return (await requestCancel(this.#bus, this.id, reason)).cancelled;
  }

  /**
   * Asks to pause it: nodes that run go on to their end, and nothing more is started. True if it is
   * paused now, false if it had ended before.
   *
   * @throws UnreachableError, NotFoundError and WaitTimeoutError as `cancel` does.
   */
  async pause(reason = "paused by its publisher"): Promise<boolean> {
    await this.#published;
    return (await requestPause(this.#bus, this.id, "pause", reason)).paused;
  }

  /**
   * Asks to let it go on. False if it had ended before; true, too, if it was not paused.
   *
   * @throws UnreachableError, NotFoundError and WaitTimeoutError as `cancel` does.
   */
  async resume(reason = "resumed by its publisher"): Promise<boolean> {
    await this.#published;
    return (await requestPause(this.#bus, this.id, "resume", reason)).reason !== "ended";
  }

  // biome-ignore lint/suspicious/noThenProperty: a handle that can be awaited is the point of the class
  then<A = O, B = never>(
    onOutput?: ((output: O) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#ended.then((result) => outputOf<O>(result)).then(onOutput, onError);
  }

  /** @internal */
  abandon(error: Error): void {
    this.#reject(error);
  }

  #on(subject: string, handle: (msg: Msg) => void): void {
    const subscription = this.#bus.nc.subscribe(subject, {
      callback: (error, msg) => (error === null ? handle(msg) : undefined),
    });
    this.#subscriptions.push(subscription);
  }

  #event(event: FlowEvent): void {
    for (const listener of this.#listeners) listener.push(event);
  }

  #look(find: typeof findResult = findResult): void {
    // A failed look is repeated by the next one; the live subscription is the ordinary way.
    find(this.#bus, this.id).then(
      (result) => (result === undefined ? undefined : this.#settle(result)),
      () => undefined,
    );
  }

  #settle(result: ExecutionResult): void {
    if (this.#result !== undefined) return;
    this.#result = result;
    this.#end(result);
    this.#close();
  }

  #reject(error: unknown): void {
    this.#fail(error);
    this.#close();
  }

  #close(): void {
    clearInterval(this.#looker);
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    for (const listener of this.#listeners) listener.close();
  }
}

function outputOf<O>(result: ExecutionResult): O {
  if (result.status === "completed") return result.output as O;
  const fallback = {
    code: result.status.toUpperCase(),
    message: `it was ${result.status}`,
    retryable: false,
  };
  throw new ExecutionFailedError(result.executionId, result.error ?? fallback);
}
