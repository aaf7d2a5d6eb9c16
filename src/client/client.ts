import { ulid } from "ulid";
import { type Bus, connectBus } from "../bus/connect.ts";
import { jsonOf } from "../bus/foreign.ts";
import { publishStored } from "../bus/publish.ts";
import { findResult } from "../bus/results.ts";
import { loadConfig } from "../config/load.ts";
import { UnreachableError } from "../domain/errors.ts";
import type { Lane } from "../domain/lane.ts";
import { invalid } from "../messages/codec.ts";
import { type ExecuteMessage, executeMessage } from "../messages/execute.ts";
import type { FlowData } from "../messages/flow-data.ts";
import type { InspectionSource } from "../messages/inspection.ts";
import type { ExecutionResult } from "../messages/result.ts";
import { sharedSource } from "../messages/shared-source.ts";
import { HEADERS } from "../messages/subjects.ts";
import type { WorkerStateEvent } from "../messages/worker.ts";
import { AsyncQueue } from "./async-queue.ts";
import { Execution } from "./execution.ts";

/** Where `batuta dev` and `batuta nats start` listen, and nats-server by default. */
const DEFAULT_URL = "nats://127.0.0.1:4222";

export interface ConnectOptions {
  /** Default: BATUTA_NATS_URL, else nats://127.0.0.1:4222. */
  readonly url?: string;
  /** Default: BATUTA_SUBJECT_PREFIX, else none. */
  readonly prefix?: string;
  readonly name?: string;
  readonly connectTimeoutMs?: number;
}

export interface RunOptions {
  /** Default "normal". */
  readonly lane?: Lane;
  /** Default: the flow's name, with what an id may not hold replaced by "-". */
  readonly flowId?: string;
  /** Running the same executionId again gives the one execution; default a new ULID. */
  readonly executionId?: string;
  /** ISO 8601; an execution that has not started by then is dead-lettered as expired. */
  readonly deadline?: string;
  readonly maxAttempts?: number;
  readonly delayMs?: number;
  readonly requestedBy?: string;
  /** W3C trace context, carried to every event and node. */
  readonly traceparent?: string;
}

/** A connection to Batuta for programs that publish flows and watch them. Made by `connect`. */
export class Client implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #open = new Set<Execution>();
  #actors: InspectionSource | undefined;

  /** @internal */
  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /**
   * Publishes a flow and returns at once with the handle of its execution; await the handle for the
   * output.
   *
   * @throws InvalidInputError when the flow or an option does not fit the contract.
   */
  run<O = unknown>(flow: FlowData, input?: unknown, options: RunOptions = {}): Execution<O> {
    const { lane = "normal", traceparent, flowId, executionId = ulid(), ...rest } = options;
    const message: ExecuteMessage = {
      ...rest,
      flowId: flowId ?? idFrom(flow.name),
      executionId,
      flowData: flow,
      ...(input === undefined ? {} : { inputs: input }),
    };
    const problems = executeMessage.problems(message);
    if (problems.length > 0) throw invalid("run", problems);
    const execution = new Execution<O>(this.#bus, executionId, options.executionId !== undefined);
    this.#open.add(execution);
    const forget = () => void this.#open.delete(execution);
    execution.then(forget, forget);
    // After this turn, so that `events()` called on the handle right away misses nothing.
    const published = Promise.resolve().then(() =>
      this.#publish(message, executionId, lane, traceparent),
    );
    // An id of the caller's may be that of an execution which ended long ago.
    const isGiven = options.executionId !== undefined;
    return execution.watch(published.then((duplicate) => ({ mayHaveEnded: duplicate || isGiven })));
  }

  /** The terminal record of any execution, undefined while it has none (or it is older than 24 h). */
  result(executionId: string): Promise<ExecutionResult | undefined> {
    return findResult(this.#bus, executionId);
  }

  /** Every change of a worker's state from now on. Ends with `return()` or when the client closes. */
  workerStates(workerId = "*"): AsyncIterableIterator<WorkerStateEvent> {
    const subscription = this.#bus.nc.subscribe(this.#bus.names.workerState(workerId), {
      callback: (error, msg) => {
        const event = error === null ? jsonOf<WorkerStateEvent>(msg) : undefined;
        if (event !== undefined) queue.push(event);
      },
    });
    const queue = new AsyncQueue<WorkerStateEvent>(() => subscription.unsubscribe());
    void this.#bus.nc.closed().then(() => queue.close());
    return queue;
  }

  /**
   * The actors of all processes, to be watched; for `fromRemote` of `batuta/actors`. However many
   * watch, the processes are asked once.
   */
  get actors(): InspectionSource {
    this.#actors ??= sharedSource({
      // What a program that only submits flows does not need is not loaded.
      watch: async (listener, followed) => {
        const { BusInspectionSource } = await import("../bus/inspection-source.ts");
        return new BusInspectionSource(this.#bus).watch(listener, followed);
      },
    });
    return this.#actors;
  }

  /** Sends what is pending and closes. Handles that have not ended reject with UnreachableError. */
  async close(): Promise<void> {
    for (const execution of this.#open) {
      execution.abandon(
        new UnreachableError(`the client was closed before execution ${execution.id} ended`),
      );
    }
    await this.#bus.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #publish(
    message: ExecuteMessage,
    executionId: string,
    lane: Lane,
    traceparent: string | undefined,
  ): Promise<boolean> {
    const head: [string, string][] = [[HEADERS.messageId, executionId]];
    if (traceparent !== undefined) head.push(["traceparent", traceparent]);
    const subject = this.#bus.names.execute(lane);
    const body = JSON.stringify(message);
    const { duplicate = false } = await publishStored(this.#bus, subject, body, head);
    return duplicate;
  }
}

/**
 * Connects to the bus that orchestrators and workers share.
 *
 * @throws UnreachableError when no server answers.
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const { nats } = loadConfig();
  const bus = await connectBus({
    url: options.url ?? nats.url ?? DEFAULT_URL,
    prefix: options.prefix ?? nats.subjectPrefix,
    name: options.name ?? "batuta client",
    ...(options.connectTimeoutMs === undefined
      ? {}
      : { connectTimeoutMs: options.connectTimeoutMs }),
  });
  return new Client(bus);
}

function idFrom(name: string): string {
  const id = name.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 128);
  return id === "" ? "flow" : id;
}
