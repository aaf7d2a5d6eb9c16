import type { AnyActor, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { type ActorEvent, type StateValue, stateOf } from "./actor.ts";
import type { Hub } from "./hub.ts";
import type { PendingTimer } from "./reports.ts";

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

/** What the library hands to a machine beside the event. */
interface Scope {
  readonly self: AnyActor;
  actionExecutor: (action: { readonly type: string }) => void;
}

/**
 * Machines whose events can be watched.
 *
 * The library's own inspection makes five events of each one, for every actor of a system: to hear them
 * alone costs as much as the actor takes to handle its event (bench/watching.ts).
 */
export class Watches {
  readonly #watches = new Map<AnyActor, Watch>();
  /** One for all the actors of a machine: of most there are many. */
  readonly #machines = new WeakMap<object, AnyStateMachine>();

  /** The same machine, which tells the watch of an actor what it handles. */
  watchable(machine: AnyStateMachine): AnyStateMachine {
    const known = this.#machines.get(machine);
    if (known !== undefined) return known;
    const transition = machine.transition as unknown as Transition;
    const watched = Object.assign(Object.create(machine) as AnyStateMachine, {
      transition: (snapshot: AnyMachineSnapshot, event: ActorEvent, scope: Scope) => {
        const watch = this.#watches.size > 0 ? this.#watches.get(scope.self) : undefined;
        if (watch === undefined || event.type === STOP) return transition(snapshot, event, scope);
        return watch.see(transition, snapshot, event, scope);
      },
    });
    this.#machines.set(machine, watched);
    return watched;
  }

  start(actor: AnyActor, watch: Watch): void {
    this.#watches.set(actor, watch);
  }

  stop(actor: AnyActor): void {
    this.#watches.get(actor)?.stop();
    this.#watches.delete(actor);
  }
}

type Transition = (
  snapshot: AnyMachineSnapshot,
  event: ActorEvent,
  scope: Scope,
) => AnyMachineSnapshot;

/** How the library stops an actor. */
const STOP = "xstate.stop";
/** The first of an actor, which no machine is asked about. */
const INIT: ActorEvent = { type: "xstate.init" };

/** The eye on one root actor. There is one only while somebody watches. */
export class Watch {
  readonly #address: string;
  readonly #hub: Hub;
  #event: ActorEvent | undefined;
  #source: string | undefined;
  #value: StateValue;
  #from: string;
  #actions: string[] = [];

  constructor(actor: AnyActor, address: string, hub: Hub) {
    this.#address = address;
    this.#hub = hub;
    this.#value = valueNow(actor);
    this.#from = stateOf(this.#value);
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

  /** An event is handled; whoever is at work just now has sent it. */
  see(
    transition: Transition,
    snapshot: AnyMachineSnapshot,
    event: ActorEvent,
    scope: Scope,
  ): AnyMachineSnapshot {
    const run = scope.actionExecutor;
    this.#begin(event);
    scope.actionExecutor = (action) => {
      this.#note(action.type);
      run(action);
    };
    try {
      return transition(snapshot, event, scope);
    } finally {
      scope.actionExecutor = run;
    }
  }

  /** The event is handled, and whoever wanted to know what came of it does. Gives what it was. */
  handled(actor: AnyActor): Step {
    // Not a copy of the step under way: one is made for each event.
    const step = {
      event: this.#event ?? INIT,
      source: this.#source,
      from: this.#from,
      actions: this.#actions,
    };
    this.#leave();
    this.#event = undefined;
    this.#source = undefined;
    this.#actions = [];
    this.#enter(valueNow(actor));
    return step;
  }

  stop(): void {
    this.#leave();
  }

  #begin(event: ActorEvent): void {
    const { acting } = this.#hub;
    this.#event = event;
    this.#source = acting;
    this.#actions = [];
    this.#hub.acting = this.#address;
  }

  /** The library's own actions, which set and clear timers, are none of the machine's. */
  #note(action: string): void {
    if (!action.startsWith("xstate.")) this.#actions.push(action);
  }

  #leave(): void {
    if (this.#hub.acting === this.#address) this.#hub.acting = this.#source;
  }

  /** Most events leave an actor where it is. */
  #enter(value: StateValue): void {
    if (value === this.#value) return;
    this.#value = value;
    this.#from = stateOf(value);
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

interface SystemSnapshot {
  readonly _scheduledEvents: Readonly<Record<string, Scheduled>>;
}

const AFTER = "xstate.after.";

/** Of `xstate.after.<delay>.<state>`: a number of ms, or the name of a delay. */
function delayNameOf(type: string): string | undefined {
  const end = type.startsWith(AFTER) ? type.indexOf(".", AFTER.length) : -1;
  return end > AFTER.length ? type.slice(AFTER.length, end) : undefined;
}

/**
 * The delayed transitions of a root actor that wait for their time, none before `notBefore`. The library
 * has no public way to ask for them, and what it gives away of itself it copies first; reading what it
 * keeps costs nothing until somebody looks.
 */
export function timersOf(actor: AnyActor, notBefore: number): PendingTimer[] {
  const { _snapshot } = actor.system as unknown as { readonly _snapshot?: SystemSnapshot };
  const { _scheduledEvents } = _snapshot ?? (actor.system.getSnapshot() as SystemSnapshot);
  return Object.values(_scheduledEvents).map(({ id, event, delay, startedAt }) => ({
    name: delayNameOf(event.type) ?? id,
    delayMs: delay,
    dueAt: Math.max(startedAt + delay, notBefore),
  }));
}
