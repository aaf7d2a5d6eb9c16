import type { AnyActor, InspectionEvent } from "xstate";
import { type ActorEvent, type StateValue, stateOf } from "./actor.ts";
import type { Hub } from "./hub.ts";
import type { PendingTimer } from "./reports.ts";

/** How the library stops an actor. */
const STOP = "xstate.stop";

/** What an actor did with one event. */
export interface Step {
  readonly event: ActorEvent | undefined;
  /** Address of the actor that sent it; undefined: it came from outside. */
  readonly source: string | undefined;
  /** State before it, on one line. */
  readonly from: string | undefined;
  /** Names of the actions that ran. */
  readonly actions: readonly string[];
}

/**
 * The eye on one root actor. Attached only while somebody watches: an inspector that does nothing
 * already triples the cost of an event.
 */
export class Watch {
  readonly #actor: AnyActor;
  readonly #address: string;
  readonly #hub: Hub;
  readonly #subscription: { unsubscribe(): void };
  #event: ActorEvent | undefined;
  #source: string | undefined;
  #value: StateValue;
  #from: string;
  #actions: string[] = [];

  /** Calls `onTransition` for each event that the actor handled to its end. */
  constructor(actor: AnyActor, address: string, hub: Hub, onTransition: (step: Step) => void) {
    this.#actor = actor;
    this.#address = address;
    this.#hub = hub;
    this.#value = valueNow(actor);
    this.#from = stateOf(this.#value);
    const observe = (seen: InspectionEvent) => this.#observe(seen, onTransition);
    // An inspector that throws would take the event with it.
    this.#subscription = actor.system.inspect((seen) => hub.tell(observe, seen));
  }

  /** The step under way: where an actor ends, nobody reports its last transition. */
  get step(): Step {
    return {
      event: this.#event,
      source: this.#source,
      from: this.#from,
      actions: this.#actions,
    };
  }

  stop(): void {
    this.#subscription.unsubscribe();
    if (this.#hub.acting === this.#address) this.#hub.acting = this.#source;
  }

  #observe(seen: InspectionEvent, onTransition: (step: Step) => void): void {
    if (seen.actorRef !== this.#actor) return;
    if (seen.type === "@xstate.action") this.#note(seen.action.type);
    else if (seen.type === "@xstate.event") this.#begin(seen.event);
    else if (seen.type === "@xstate.snapshot" && seen.event.type !== STOP) {
      this.#end();
      onTransition({ ...this.step, event: seen.event });
      this.#enter(valueNow(this.#actor));
      this.#clear();
    }
  }

  /** The library's own actions, which set and clear timers, are none of the machine's. */
  #note(action: string): void {
    if (!action.startsWith("xstate.")) this.#actions.push(action);
  }

  /** Most events leave an actor where it is. */
  #enter(value: StateValue): void {
    if (value === this.#value) return;
    this.#value = value;
    this.#from = stateOf(value);
  }

  #begin(event: ActorEvent): void {
    // An event that an actor sends to itself is handled after the one under way.
    const { acting } = this.#hub;
    this.#clear();
    this.#event = event;
    this.#source = acting;
    this.#hub.acting = this.#address;
  }

  #end(): void {
    if (this.#hub.acting === this.#address) this.#hub.acting = this.#source;
  }

  #clear(): void {
    this.#event = undefined;
    this.#source = undefined;
    this.#actions = [];
  }
}

function valueNow(actor: AnyActor): StateValue {
  return (actor.getSnapshot() as { readonly value: StateValue }).value;
}

interface Scheduled {
  readonly id: string;
  readonly event: ActorEvent;
  readonly delay: number;
  /** By the system's own clock. */
  readonly startedAt: number;
}

/** `xstate.after.<delay>.<state>`: a number of ms, or the name of a delay. */
const AFTER = /^xstate\.after\.([^.]+)\./;

/**
 * The delayed transitions of a root actor that wait for their time, none before `notBefore`. The library
 * has no public way to ask for them; reading what it keeps costs nothing until somebody looks.
 */
export function timersOf(actor: AnyActor, notBefore: number): PendingTimer[] {
  const { _scheduledEvents } = actor.system.getSnapshot() as {
    readonly _scheduledEvents: Readonly<Record<string, Scheduled>>;
  };
  return Object.values(_scheduledEvents).map(({ id, event, delay, startedAt }) => ({
    name: AFTER.exec(event.type)?.[1] ?? id,
    delayMs: delay,
    dueAt: Math.max(startedAt + delay, notBefore),
  }));
}
