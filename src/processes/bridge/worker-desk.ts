import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Msg, Subscription } from "nats";
import type { AmqpWorkers } from "../../bus/amqp-workers.ts";
import type { Bus } from "../../bus/connect.ts";
import { InvalidInputError, NotFoundError } from "../../domain/errors.ts";
import type { AmqpProperties } from "../../messages/amqp-inbound.ts";
import type { AmqpNames } from "../../messages/amqp-names.ts";
import { type AmqpPublish, deadDelivery } from "../../messages/amqp-outbound.ts";
import {
  type AmqpHeartbeat,
  type AmqpRegistration,
  type AmqpResult,
  type AmqpWorkerKind,
  readWorkerMessage,
} from "../../messages/amqp-worker.ts";
import type { ProcessLog } from "../process-log.ts";
import type { AmqpWorker } from "./amqp-worker.ts";

export interface WorkerDeskOptions {
  readonly bus: Bus;
  readonly names: AmqpNames;
  readonly store: AmqpWorkers;
  /** Makes the queue of its tasks, and stands for it from then on. */
  readonly begin: (registration: AmqpRegistration) => Promise<AmqpWorker>;
  /** What was still to be done by one that has left goes elsewhere. */
  readonly emptied: (workerId: string) => Promise<void>;
  /** Whether its queue is there. */
  readonly isReachable: (workerId: string) => Promise<boolean>;
  readonly publish: (message: AmqpPublish) => Promise<void>;
  readonly counted: (what: string) => void;
  readonly log: ProcessLog;
}

interface WorkerDelivery {
  readonly body: Uint8Array;
  readonly properties: AmqpProperties;
}

/** `who`: whether a bridge stands for the worker at all. */
type PassedKind = "heartbeat" | "result" | "who";

interface Stand {
  readonly worker: AmqpWorker;
  readonly registration: AmqpRegistration;
  readonly subscription: Subscription;
}

const LOOK_MS = 1_000;
const LOOK_FOR_QUEUES_MS = 10_000;
const RETRY_MS = 500;
/** Another bridge answers at once, or there is none that stands for the worker. */
const ASK_MS = 2_000;

/** The workers that speak AMQP and that this bridge stands for, and what they send. */
export class WorkerDesk {
  readonly #options: WorkerDeskOptions;
  readonly #stands = new Map<string, Stand>();
  readonly #beginning = new Map<string, Promise<void>>();
  readonly #looking: readonly NodeJS.Timeout[];
  #isLookingForQueues = false;
  #isStopped = false;

  constructor(options: WorkerDeskOptions) {
    this.#options = options;
    this.#looking = [
      setInterval(() => this.#look(), LOOK_MS).unref(),
      setInterval(() => void this.#lookForQueues(), LOOK_FOR_QUEUES_MS).unref(),
    ];
  }

  /** Those that this bridge stands for. */
  get workers(): readonly string[] {
    return [...this.#stands.keys()].sort();
  }

  /** Resolves once what a worker sent is dealt with, and may be acknowledged. */
  async take(kind: AmqpWorkerKind, message: WorkerDelivery, isLost: () => boolean): Promise<void> {
    while (!isLost()) {
      try {
        return await this.#deal(kind, message.body);
      } catch (err) {
        if (err instanceof InvalidInputError) return this.#dead(kind, message, "schema", err);
        if (err instanceof NotFoundError) return this.#dead(kind, message, "refused", err);
        // The bus is away: handed back it would count as failed.
        this.#options.log.debug({ err, kind }, "what an AMQP worker sent waits");
        await pause(RETRY_MS);
      }
    }
  }

  async #deal(kind: AmqpWorkerKind, body: Uint8Array): Promise<void> {
    if (kind === "registration") await this.#register(readWorkerMessage(kind, body));
    else if (kind === "heartbeat") await this.#heartbeat(readWorkerMessage(kind, body));
    else await this.#result(readWorkerMessage(kind, body));
  }

  /**
   * Leaves the bus for all of them, once they have reported what they hold or after `graceMs`: what is left
   * then moves. They stay known, for other bridges.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStopped = true;
    for (const looking of this.#looking) clearInterval(looking);
    await Promise.all(
      [...this.#stands.values()].map(async ({ worker, subscription }) => {
        await worker.stop("the bridge stops", graceMs);
        subscription.unsubscribe();
      }),
    );
  }

  /** One that registers again has begun anew: what it held is lost to it. */
  async #register(registration: AmqpRegistration): Promise<void> {
    const { workerId } = registration;
    const known = this.#stands.get(workerId);
    if (known !== undefined) {
      this.#stands.delete(workerId);
      known.subscription.unsubscribe();
      await known.worker.stop("it registered again", 0);
      await this.#options.emptied(workerId);
    }
    await this.#options.store.put(registration);
    await this.#beginKnown(registration);
    this.#options.counted("worker registered");
  }

  async #heartbeat(beat: AmqpHeartbeat): Promise<void> {
    const stand = this.#stands.get(beat.workerId);
    if (stand !== undefined) stand.worker.heartbeat(beat);
    else if (!(await this.#pass(beat.workerId, "heartbeat", beat)))
      await this.#adopt(beat.workerId);
  }

  async #result(result: AmqpResult): Promise<void> {
    const stand = this.#stands.get(result.workerId);
    const isTaken =
      stand === undefined
        ? await this.#pass(result.workerId, "result", result)
        : stand.worker.result(result);
    this.#options.counted(isTaken ? "task result" : "task result of nobody");
    if (isTaken) return;
    const { workerId, taskId } = result;
    this.#options.log.warn({ workerId, taskId }, "a task result that nobody waits for is dropped");
  }

  /** To the bridge that stands for the worker; false where none does, or nobody waits for it there. */
  async #pass(workerId: string, kind: PassedKind, message: object): Promise<boolean> {
    const { bus } = this.#options;
    const subject = bus.names.amqpWorker(workerId, kind);
    try {
      const answer = await bus.nc.request(subject, JSON.stringify(message), { timeout: ASK_MS });
      return answer.string() === "taken";
    } catch {
      return false;
    }
  }

  /** Its bridge is gone. What it is was kept. */
  async #adopt(workerId: string): Promise<void> {
    const registration = await this.#options.store.find(workerId);
    if (registration !== undefined) await this.#beginKnown(registration);
    else this.#options.counted("heartbeat of nobody");
  }

  /** Forgets one that cannot work here: its heartbeats would have it tried again and again. */
  async #beginKnown(registration: AmqpRegistration): Promise<void> {
    try {
      await this.#begin(registration);
    } catch (error) {
      if (error instanceof NotFoundError) await this.#options.store.remove(registration.workerId);
      throw error;
    }
  }

  /** Several of its messages may come at once. */
  #begin(registration: AmqpRegistration): Promise<void> {
    const { workerId } = registration;
    const under = this.#beginning.get(workerId);
    if (under !== undefined || this.#isStopped) return under ?? Promise.resolve();
    const begun = this.#stand(registration).finally(() => this.#beginning.delete(workerId));
    this.#beginning.set(workerId, begun);
    return begun;
  }

  async #stand(registration: AmqpRegistration): Promise<void> {
    const { workerId } = registration;
    const { bus, begin, log } = this.#options;
    const worker = await begin(registration);
    const subscription = bus.nc.subscribe(bus.names.amqpWorker(workerId, "*"), {
      callback: (error, msg) => {
        if (error === null) this.#passed(worker, msg);
      },
    });
    const stand = { worker, registration, subscription };
    this.#stands.set(workerId, stand);
    log.info({ workerId }, "AMQP worker on the bus");
    void worker.left.then(() => this.#left(workerId, stand));
  }

  #passed(worker: AmqpWorker, msg: Msg): void {
    const kind = msg.subject.split(".").at(-1);
    try {
      if (kind === "heartbeat") worker.heartbeat(msg.json<AmqpHeartbeat>());
      const isTaken = kind !== "result" || worker.result(msg.json<AmqpResult>());
      msg.respond(isTaken ? "taken" : "unknown");
    } catch {
      msg.respond("unreadable");
    }
  }

  /** Drained, silent, or begun anew; with the bridge itself it is to be found by others. */
  async #left(workerId: string, stand: Stand): Promise<void> {
    stand.subscription.unsubscribe();
    if (this.#isStopped || this.#stands.get(workerId) !== stand) return;
    this.#stands.delete(workerId);
    this.#options.log.info({ workerId }, "AMQP worker left the bus");
    try {
      // It has registered anew, and another bridge stands for it: what waits is its own.
      if (await this.#pass(workerId, "who", {})) return;
      await this.#options.emptied(workerId);
      if (!this.#beginning.has(workerId)) await this.#options.store.remove(workerId);
    } catch (error) {
      this.#options.log.warn({ err: error, workerId }, "what an AMQP worker left is still there");
    }
  }

  #look(): void {
    for (const { worker } of this.#stands.values())
      if (worker.isSilent) void worker.stop("no heartbeat over AMQP for 6 intervals", 0);
  }

  /** What lay in a queue is lost with it, and nobody will ever report it. */
  async #lookForQueues(): Promise<void> {
    // With the broker away it waits.
    if (this.#isLookingForQueues) return;
    this.#isLookingForQueues = true;
    const { isReachable, log } = this.#options;
    try {
      for (const [workerId, { worker }] of [...this.#stands])
        if (worker.isBusy && !(await isReachable(workerId))) worker.becomesUnreachable();
    } catch (err) {
      log.debug({ err }, "the queues of the workers were not looked for");
    } finally {
      this.#isLookingForQueues = false;
    }
  }

  async #dead(
    kind: AmqpWorkerKind,
    { body, properties }: WorkerDelivery,
    reason: "schema" | "refused",
    error: Error,
  ): Promise<void> {
    const { names, publish, counted } = this.#options;
    const id = `dead-${createHash("sha256").update(body).digest("hex").slice(0, 16)}`;
    const from = { queue: names.workers[kind], routingKey: names.keys[kind], id };
    const why = { reason, error: error.message };
    await publish(deadDelivery(names, { body, properties }, why, from));
    counted(`${kind} refused`);
  }
}
