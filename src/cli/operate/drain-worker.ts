import type { Subscription } from "nats";
import type { Bus } from "../../bus/connect.ts";
import { jsonOf } from "../../bus/foreign.ts";
import type { RegistryEntry } from "../../bus/worker-registry.ts";
import { InvalidInputError, UnreachableError, WaitTimeoutError } from "../../domain/errors.ts";
import type {
  ByeMessage,
  Heartbeat,
  WorkerStateEvent,
  WorkerStateName,
} from "../../messages/worker.ts";

/** What came of one drain. */
export interface Drained {
  readonly workerId: string;
  readonly state: WorkerStateName;
  /** Executions that it did not finish in time; other workers get them. */
  readonly unfinished: number;
  readonly reasons: readonly string[];
}

export interface DrainOrderOptions {
  readonly timeout: number;
  readonly wait: boolean;
  readonly reason: string;
}

const ANSWER_MS = 5_000;
/** After its grace a worker still has to say goodbye, and the leader to tell it. */
const GOODBYE_MS = 5_000;

/**
 * Orders a live worker to drain and, with `wait`, follows it until it is offline. One that is
 * offline already is left alone.
 *
 * @throws UnreachableError when nobody answers for it; WaitTimeoutError when it does not answer in
 * time, or is not offline 5 s after its grace.
 */
export async function drainWorker(
  bus: Bus,
  entry: RegistryEntry,
  options: DrainOrderOptions,
  say: (line: string) => void,
): Promise<Drained> {
  const { workerId } = entry.registration;
  if (entry.state === "offline") {
    say(`${workerId} is offline already`);
    return { workerId, state: "offline", unfinished: 0, reasons: entry.reasons };
  }
  // Listens first: an idle worker is gone before the answer has been read.
  using following = new Following(bus, workerId, say);
  await order(bus, workerId, options);
  if (!options.wait) {
    say(`${workerId} was told to drain`);
    return { workerId, state: "draining", unfinished: 0, reasons: [options.reason] };
  }
  const { reasons, inFlight } = await following.offline(options.timeout + GOODBYE_MS);
  // Its own word is newer; without one its time was over, and it is what its leader gave it.
  const unfinished = following.unfinished ?? inFlight;
  if (unfinished > 0) say(`${workerId} left ${unfinished} unfinished: other workers get them`);
  return { workerId, state: "offline", unfinished, reasons };
}

async function order(bus: Bus, workerId: string, options: DrainOrderOptions): Promise<void> {
  const body = { action: "drain", deadlineMs: options.timeout, reason: options.reason };
  const subject = bus.names.workerControl(workerId);
  const timeoutMs = Math.min(ANSWER_MS, options.timeout + GOODBYE_MS);
  try {
    const msg = await bus.mux.request(subject, JSON.stringify(body), { timeoutMs });
    const answer = jsonOf<{ readonly ok?: boolean; readonly reason?: string }>(msg);
    if (answer?.ok === true) return;
    throw new InvalidInputError(`worker ${workerId} refused to drain: ${answer?.reason ?? "?"}`);
  } catch (cause) {
    throw explained(cause, workerId);
  }
}

function explained(cause: unknown, workerId: string): unknown {
  if (cause instanceof UnreachableError) {
    const text = `worker ${workerId} is not there: nobody listens for it; its orchestrator moves its work`;
    return new UnreachableError(text, { cause });
  }
  if (cause instanceof WaitTimeoutError) {
    const text = `worker ${workerId} does not answer: it is stuck or frozen; \`batuta workers ${workerId}\` tells its state`;
    return new WaitTimeoutError(text, { cause });
  }
  return cause;
}

/** Hears what a worker and its leader say of its drain, and passes the changes on. */
class Following implements Disposable {
  readonly #workerId: string;
  readonly #say: (line: string) => void;
  readonly #subscriptions: Subscription[];
  readonly #end: Promise<WorkerStateEvent>;
  #ended: (event: WorkerStateEvent) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #said = "";
  #unfinished: number | undefined;

  constructor({ nc, names }: Bus, workerId: string, say: (line: string) => void) {
    this.#workerId = workerId;
    this.#say = say;
    this.#end = new Promise((resolve) => {
      this.#ended = resolve;
    });
    const on = <T>(subject: string, handle: (body: T) => void) =>
      nc.subscribe(subject, {
        callback: (error, msg) => {
          const body = error === null ? jsonOf<T>(msg) : undefined;
          if (body !== undefined) handle(body);
        },
      });
    this.#subscriptions = [
      on<WorkerStateEvent>(names.workerState(workerId), (event) => this.#changed(event)),
      on<ByeMessage>(names.bye(workerId), (bye) => {
        this.#unfinished = bye.unfinished;
      }),
      on<Heartbeat>(names.heartbeat(workerId), (beat) => this.#beat(beat)),
    ];
  }

  /** What the worker said in its goodbye that it gives up; undefined before, and without one. */
  get unfinished(): number | undefined {
    return this.#unfinished;
  }

  async offline(timeoutMs: number): Promise<WorkerStateEvent> {
    const late = new Promise<never>((_, reject) => {
      const text = `worker ${this.#workerId} is not offline after ${timeoutMs / 1_000} s; it goes on draining. Is an orchestrator running that tells its state?`;
      this.#timer = setTimeout(() => reject(new WaitTimeoutError(text)), timeoutMs);
    });
    return Promise.race([this.#end, late]);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #changed(event: WorkerStateEvent): void {
    if (event.to === "offline") {
      this.#tell(`offline: ${event.reasons.join("; ")}`);
      this.#ended(event);
    } else this.#tell(`${event.to}, ${event.inFlight} in flight`);
  }

  #beat(beat: Heartbeat): void {
    if (beat.draining === true) this.#tell(`draining, ${beat.currentLoad.activeFlows} in flight`);
  }

  #tell(text: string): void {
    if (text === this.#said) return;
    this.#said = text;
    this.#say(`${this.#workerId}: ${text}`);
  }
}
