import type { AnyMachineSnapshot } from "xstate";
import { type ActorSnapshot, type ActorStatus, type StateValue, stateOf } from "./actor.ts";

/** A snapshot of the library as one of ours. An actor is done a moment before it is told so. */
export function toSnapshot<C>(from: AnyMachineSnapshot, status: ActorStatus): ActorSnapshot<C> {
  return new Snapshot<C>(from, status);
}

/** One is made for each event of each actor, and most readers want the context only. */
class Snapshot<C> implements ActorSnapshot<C> {
  readonly status: ActorStatus;
  readonly value: StateValue;
  readonly tags: ReadonlySet<string>;
  readonly context: C;
  readonly output: unknown;
  readonly error: unknown;

  constructor(from: AnyMachineSnapshot, status: ActorStatus) {
    this.status = status === "active" && from.status === "done" ? "done" : status;
    this.value = from.value as StateValue;
    this.tags = from.tags as ReadonlySet<string>;
    this.context = from.context as C;
    this.output = from.output;
    this.error = from.error;
  }

  get state(): string {
    return stateOf(this.value);
  }
}
