import type { InspectionRecord } from "./reports.ts";

/** What an actor is sent: a fact or an order, told apart by `type`. */
export interface ActorEvent {
  readonly type: string;
}

/** The value of a statechart: the active state, or the active state of each region. */
export type StateValue = string | { readonly [state: string]: StateValue | undefined };

/**
 * A statechart that the kernel can run. Machines made by the library that `actors/` uses have this
 * shape; nobody else has to know the library.
 */
interface Machine<E extends ActorEvent = ActorEvent, I = unknown, C = unknown> extends MachineInfo {
  transition(snapshot: never, event: E, scope: never): { readonly context: C };
  getInitialSnapshot(scope: never, input?: I): { readonly context: C };
}

/** What can be drawn of a machine. */
export interface MachineInfo {
  readonly id: string;
  /** As it was written: names of guards, actions and delays, and functions where there are any. */
  readonly config: unknown;
  /** Plain data: every state and transition, resolved. */
  toJSON(): unknown;
}

/**
 * - active: it takes events.
 * - restarting: it failed and starts again in a moment; events wait.
 * - faulted: it failed too often and takes nothing any more.
 * - done: it reached its final state. stopped: it was stopped from outside.
 */
export type ActorStatus = "active" | "restarting" | "faulted" | "done" | "stopped";

/** An actor at one moment. */
export interface ActorSnapshot<C = unknown> {
  readonly status: ActorStatus;
  readonly value: StateValue;
  /** `value` on one line: "degraded.suspect", regions side by side as "a.b c.d". */
  readonly state: string;
  readonly tags: ReadonlySet<string>;
  readonly context: C;
  /** Of a final state. */
  readonly output: unknown;
  /** What it failed on, while restarting or faulted. */
  readonly error: unknown;
}

/** An actor that the kernel runs. The reference outlives restarts of what is behind it. */
export interface ActorRef<E extends ActorEvent = ActorEvent, C = unknown> {
  readonly address: string;
  readonly incarnation: string;
  readonly machine: MachineInfo;
  /** Address of the actor that it belongs to; only for those who look. */
  readonly parent: string | undefined;
  /** How often it was started again after a failure. */
  readonly restarts: number;
  /**
   * Handles the event to its end before it returns, unless the actor is at work already.
   * False means a dead letter.
   */
  send(event: E): boolean;
  snapshot(): ActorSnapshot<C>;
  /** Calls `listener` after each event that was handled. What it throws is counted and goes no further. */
  subscribe(listener: (snapshot: ActorSnapshot<C>) => void): () => void;
  /** How it stands now, for those who look. */
  inspect(): InspectionRecord;
}

/** What the kernel needs to run an actor. */
export interface ActorSpec<E extends ActorEvent, I, C> {
  /** Where it is found, for example `worker/w-1`. */
  readonly address: string;
  /** Which life of it this is; the number of the start when not given. */
  readonly incarnation?: string;
  readonly machine: Machine<E, I, C>;
  /** Address of the actor that it belongs to; only for those who look. */
  readonly parent?: string;
  readonly input: I;
  /** The input after a failure, from what was known before it. Default: `input` again. */
  readonly recover?: (context: C) => I;
  /**
   * How many ms longer nothing would come of any of its delayed transitions, by what it knows now; 0: look.
   * Asked when one is due: above 0 the timer waits on, and the actor does not notice. For machines whose
   * deadlines move with what arrives: an event for each look that finds nothing costs as much as any other.
   */
  readonly postponeMs?: (context: C) => number;
}

/** One line for a state value. */
export function stateOf(value: StateValue): string {
  if (typeof value === "string") return value;
  return Object.entries(value)
    .map(([state, below]) => (below === undefined || isEmpty(below) ? state : join(state, below)))
    .join(" ");
}

function join(state: string, below: StateValue): string {
  return stateOf(below)
    .split(" ")
    .map((part) => `${state}.${part}`)
    .join(" ");
}

function isEmpty(value: StateValue): boolean {
  return typeof value === "object" && Object.keys(value).length === 0;
}
