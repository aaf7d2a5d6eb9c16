import type { AnyActor, InspectionEvent } from "xstate";
import type { ActorEvent } from "./actor.ts";
import type { Hub } from "./hub.ts";

/** How the library stops an actor. */
const STOP = "xstate.stop";

/** What an actor did with one event. */
export interface Step {
  readonly event: ActorEvent | undefined;
  /** Names of the actions that ran. */
  readonly actions: readonly string[];
}

/**
 * The eye on one root actor. Attached only while somebody watches: an inspector that does nothing
 * already triples the cost of an event.
 */
export class Watch {
  readonly #subscription: { unsubscribe(): void };
  #event: ActorEvent | undefined;
  #actions: string[] = [];

  /** Calls `onTransition` for each event that the actor handled to its end. */
  constructor(actor: AnyActor, hub: Hub, onTransition: (step: Step) => void) {
    const observe = (seen: InspectionEvent) => this.#observe(seen, actor, onTransition);
    // An inspector that throws would take the event with it.
    this.#subscription = actor.system.inspect((seen) => hub.tell(observe, seen));
  }

  /** The step under way: where an actor ends, nobody reports its last transition. */
  get step(): Step {
    return { event: this.#event, actions: this.#actions };
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }

  #observe(seen: InspectionEvent, actor: AnyActor, onTransition: (step: Step) => void): void {
    if (seen.actorRef !== actor) return;
    if (seen.type === "@xstate.action") this.#note(seen.action.type);
    else if (seen.type === "@xstate.event") this.#begin(seen.event);
    else if (seen.type === "@xstate.snapshot" && seen.event.type !== STOP) {
      onTransition({ event: seen.event, actions: this.#actions });
      this.#begin(undefined);
    }
  }

  /** The library's own actions, which set and clear timers, are none of the machine's. */
  #note(action: string): void {
    if (!action.startsWith("xstate.")) this.#actions.push(action);
  }

  #begin(event: ActorEvent | undefined): void {
    this.#event = event;
    this.#actions = [];
  }
}
