import type { JudgedFacts, WorkerChange } from "../../actors/worker-effects.ts";
import type { Bus } from "../bus/connect.ts";
import type { RegistryEntry, WorkerRegistry } from "../bus/worker-registry.ts";
import { publishWorkerState } from "../bus/worker-states.ts";
import type { Mishap } from "../domain/conduct.ts";
import type { DecisionSink } from "../messages/decision.ts";
import type { WorkerStateEvent } from "../messages/worker.ts";
import { AtMost } from "./at-most.ts";
import type { Member } from "./member.ts";

export interface AnnouncerOptions {
  readonly bus: Bus;
  readonly registry: WorkerRegistry;
  readonly leads: () => boolean;
  readonly decisions: DecisionSink;
  readonly fault: (error: unknown, what: string) => void;
}

interface News {
  readonly event: WorkerStateEvent;
  /** The registry has it already. */
  readonly isRegistered?: boolean;
  readonly isJournaled?: boolean;
  readonly mishap?: Mishap | undefined;
}

/** Each needs two or three answers of the bus: those of a whole fleet at once would crowd out all else. */
const TOLD_AT_ONCE = 32;

/**
 * Tells the world of changes of workers' states: registry first, by compare-and-set, then
 * `workers.<id>.state`. Only the leader does, and the changes of one worker go out in their order.
 */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #queues = new Map<string, Promise<void>>();
  readonly #inTurn = new AtMost(TOLD_AT_ONCE);

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** A change that this orchestrator's actor went through. Its first state was announced on admission. */
  changed(change: WorkerChange): void {
    if (change.from === null || !this.#options.leads()) return;
    const { mishap, facts, ...state } = change;
    const event = this.#event(state);
    // At once: what was judged by is not to be mixed up with what the registry makes of it.
    this.#record(event, facts);
    this.#enqueue({ event, mishap, isJournaled: true });
  }

  /** A new leader announces what changed while nobody led; what is recorded already is no news. */
  catchUp(members: readonly Member[]): void {
    for (const { registration, standing } of members) {
      const { workerId, incarnation, hostname, pool = "default" } = registration;
      const { state, reasons, load, inFlight } = standing;
      const change = { workerId, incarnation, to: state, reasons, load, inFlight, hostname, pool };
      this.#enqueue({ event: this.#event({ ...change, from: null }) });
    }
  }

  /** Workers that are registered as live and that nobody knows any more: they died while nobody led. */
  lost(entries: readonly RegistryEntry[]): void {
    for (const entry of entries) {
      const reasons = ["lost while no orchestrator led"];
      this.#enqueue({ event: entryEvent(entry, entry.state, "offline", reasons) });
    }
  }

  /** A registration that this orchestrator admitted, and the incarnation that it replaced. */
  admitted(entry: RegistryEntry, evicted: RegistryEntry | undefined): void {
    const { incarnation } = entry.registration;
    if (evicted !== undefined) {
      const reasons = [`evicted by incarnation ${incarnation}`];
      const event = entryEvent(evicted, evicted.state, "offline", reasons);
      this.#enqueue({ event, isRegistered: true });
    }
    const event = entryEvent(entry, null, "registering", entry.reasons);
    this.#enqueue({ event, isRegistered: true });
  }

  /** Resolves when all that was to be told so far has been told or has failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#queues.values());
  }

  #enqueue(news: News): void {
    const { workerId } = news.event;
    const before = this.#queues.get(workerId) ?? Promise.resolve();
    const after = before
      .then(() => this.#inTurn.run(() => this.#tell(news)))
      .catch((error: unknown) => this.#options.fault(error, "announce"));
    this.#queues.set(workerId, after);
    void after.then(() => {
      if (this.#queues.get(workerId) === after) this.#queues.delete(workerId);
    });
  }

  async #tell({ event, isRegistered, isJournaled, mishap }: News): Promise<void> {
    const { bus, registry } = this.#options;
    const before = isRegistered ? event.from : await registry.record(event, mishap);
    if (before === undefined) return;
    const told = { ...event, from: before };
    if (!isJournaled) this.#record(told);
    await publishWorkerState(bus, told);
  }

  #record(
    { workerId, incarnation, from, to, reasons, load, inFlight }: WorkerStateEvent,
    judged?: JudgedFacts,
  ): void {
    const { verdict, drain, ...facts } = judged ?? {};
    this.#options.decisions.record({
      kind: to === "draining" ? "drain" : "health",
      about: { workerId },
      inputs: { incarnation, load, inFlight, ...facts },
      choice: { from, to, ...(verdict && { verdict }), ...drain },
      reasons: from === null && reasons.length === 0 ? ["registered"] : reasons,
    });
  }

  #event(change: Omit<WorkerStateEvent, "at">): WorkerStateEvent {
    return { ...change, at: new Date().toISOString() };
  }
}

function entryEvent(
  entry: RegistryEntry,
  from: WorkerStateEvent["from"],
  to: WorkerStateEvent["to"],
  reasons: readonly string[],
): WorkerStateEvent {
  const { workerId, incarnation, hostname, pool = "default" } = entry.registration;
  const at = new Date().toISOString();
  return { workerId, incarnation, from, to, reasons, at, load: 0, inFlight: 0, hostname, pool };
}
