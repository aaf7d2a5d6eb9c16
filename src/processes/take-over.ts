import { setTimeout as pause } from "node:timers/promises";
import type { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import { lanePlace } from "../bus/intake.ts";
import { isId } from "../domain/ids.ts";
import { LANES, type Lane } from "../domain/lane.ts";
import type { HeldByWorker } from "../messages/worker.ts";
import type { ProcessLog } from "./process-log.ts";
import { heldByWorker, recoverUnheld } from "./recover-unheld.ts";

export interface TakeOverOptions {
  readonly assignments: Assignments;
  /** Stream sequences of the messages of a lane that this orchestrator holds. */
  readonly own: (lane: Lane) => readonly number[];
  readonly workerIds: () => readonly string[];
  /** What the other orchestrators hold of a lane. */
  readonly peers: (lane: Lane) => Promise<readonly number[]>;
  /** A task of another orchestrator is in the books here now. */
  readonly adopted: (executionId: string) => void;
  /** After this the server delivers again by itself what is in nobody's hands. */
  readonly ackWaitMs: number;
  readonly log: ProcessLog;
}

/** A report that was under way when a worker said what it holds has arrived at its orchestrator by then. */
const SETTLE_MS = 300;
const AGAIN_MS = 2_000;

/**
 * What an orchestrator that is gone had in its books: tasks that workers hold are booked here, so
 * that their failures are heard and they are redistributed with their worker; what was delivered to
 * it and is in nobody's hands goes back to its lane at once instead of after ack_wait.
 */
export class TakeOver {
  readonly #bus: Bus;
  readonly #options: TakeOverOptions;
  #running = false;
  #again: string | undefined;

  constructor(bus: Bus, options: TakeOverOptions) {
    this.#bus = bus;
    this.#options = options;
  }

  /** Begins, or goes round once more when it is under way. Never rejects. */
  async run(reason: string): Promise<void> {
    if (this.#running) {
      this.#again = reason;
      return;
    }
    this.#running = true;
    for (let why: string | undefined = reason; why !== undefined; why = this.#again) {
      this.#again = undefined;
      await this.#untilDone(why);
    }
    this.#running = false;
  }

  async #untilDone(reason: string): Promise<void> {
    const { log, ackWaitMs } = this.#options;
    const giveUpAt = Date.now() + ackWaitMs;
    while (!this.#bus.nc.isClosed()) {
      try {
        const [adopted, recovered] = await this.#lanes();
        log.info({ reason, adopted, recovered }, "took over what nobody held");
        return;
      } catch (error) {
        // Often a worker that does not answer either, and is about to be found dead.
        log.warn({ err: error, reason }, "not taken over yet");
        if (Date.now() + AGAIN_MS > giveUpAt) return;
        await pause(AGAIN_MS);
      }
    }
  }

  async #lanes(): Promise<[adopted: number, recovered: number]> {
    const { own, workerIds, peers } = this.#options;
    let [adopted, recovered] = [0, 0];
    for (const lane of LANES) {
      adopted += await this.#adopt(lane);
      recovered += await recoverUnheld(this.#bus, lane, 0, {
        own: () => own(lane),
        workerIds,
        peers: () => peers(lane),
      });
    }
    return [adopted, recovered];
  }

  /**
   * Books the tasks that workers hold and no orchestrator has in its books. Workers are asked before
   * and after their orchestrators: what both answers list was not settled in between.
   */
  async #adopt(lane: Lane): Promise<number> {
    const { own, workerIds, peers } = this.#options;
    const ids = workerIds();
    const ask = (workerId: string) => heldByWorker(this.#bus, workerId, lane);
    const first = new Set(
      (await Promise.all(ids.map(ask))).flat().map(({ ackSubject }) => ackSubject),
    );
    if (first.size === 0) return 0;
    await pause(SETTLE_MS);
    const known = new Set([...own(lane), ...(await peers(lane))]);
    const counts = ids.map(async (workerId) => {
      const tasks = (await ask(workerId)).filter(({ ackSubject }) => first.has(ackSubject));
      // Booked as soon as the answer is there: what the task comes to arrives behind it.
      return tasks.filter((task) => this.#book(lane, workerId, task, known)).length;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  #book(lane: Lane, workerId: string, task: HeldByWorker, known: ReadonlySet<number>): boolean {
    const { executionId, flowId, attempt, ackSubject } = task;
    const message = lanePlace(lane, ackSubject);
    const isSound = isId(executionId) && Number.isSafeInteger(attempt) && attempt >= 1;
    if (message === undefined || !isSound || known.has(message.sequence)) return false;
    const held = { executionId, flowId: String(flowId), attempt, message };
    const isNew = this.#options.assignments.noteTaken(held, workerId, Date.now());
    if (isNew) this.#options.adopted(executionId);
    return isNew;
  }
}
