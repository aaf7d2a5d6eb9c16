import type { AnyMachineSnapshot } from "xstate";
import { type ActorSnapshot, type ActorStatus, type StateValue, stateOf } from "./actor.ts";

/** A snapshot of the library as one of ours. An actor is done a moment before it is told so. */
export function toSnapshot<C>(from: AnyMachineSnapshot, status: ActorStatus): ActorSnapshot<C> {
  const value = from.value as StateValue;
  return {
    status: status === "active" && from.status === "done" ? "done" : status,
    value,
    // Most readers want the context only.
    get state() {
      return stateOf(value);
    },
    tags: from.tags as ReadonlySet<string>,
    context: from.context as C,
    output: from.output,
    error: from.error,
  };
}
