import type { ActorEvent, ActorRef, ActorSnapshot } from "./actor.ts";
import type { Step } from "./inspection.ts";
import type { InspectionKind, InspectionRecord, PendingTimer } from "./reports.ts";

/** Who is seen. */
type Shown = Pick<ActorRef, "address" | "incarnation" | "parent" | "machine" | "snapshot"> & {
  timers(): PendingTimer[];
};

/** How an actor was seen to stand. One is made for each event while somebody watches. */
export class Seen implements InspectionRecord {
  readonly kind: InspectionKind;
  readonly address: string;
  readonly incarnation: string;
  readonly parent: string | undefined;
  readonly machineId: string;
  readonly at: number;
  readonly event: ActorEvent | undefined;
  readonly source: string | undefined;
  readonly from: string | undefined;
  readonly actions: readonly string[];
  readonly snapshot: ActorSnapshot;
  readonly #shown: Shown;

  constructor(kind: InspectionKind, shown: Shown, at: number, step: Step) {
    this.kind = kind;
    this.address = shown.address;
    this.incarnation = shown.incarnation;
    this.parent = shown.parent;
    this.machineId = shown.machine.id;
    this.at = at;
    this.event = step.event;
    this.source = step.source;
    this.from = step.from;
    this.actions = step.actions;
    this.snapshot = shown.snapshot();
    this.#shown = shown;
  }

  /** Asked for by few, and dear: those that wait when they are asked for. */
  get timers(): readonly PendingTimer[] {
    return this.#shown.timers();
  }
}
