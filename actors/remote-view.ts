import { RemoteActorError } from "../src/domain/errors.ts";
import { bestFirst, leaderOf, leads } from "../src/messages/actor-table.ts";
import type { ActorRecord } from "../src/messages/inspection.ts";
import { isNewer, withContext } from "../src/messages/newer.ts";

/** What is known of an actor of another process; times are of the clock of the one who mirrors, in ms. */
export class RemoteViews {
  readonly #address: string;
  /** By node: several orchestrators have an actor for one worker. */
  readonly #views = new Map<string, ActorRecord>();
  /** Supervisors, which say who leads. */
  readonly #supervisors = new Map<string, ActorRecord>();
  readonly #heardAt = new Map<string, number>();
  #incarnation: string | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  /** Whether the record is about the actor, and news. */
  record(record: ActorRecord, now: number): boolean {
    const { node, address, machineId } = record;
    this.#heardAt.set(node, now);
    if (machineId === "supervisor") note(this.#supervisors, record);
    return address === this.#address && note(this.#views, record);
  }

  heard(node: string, now: number): void {
    this.#heardAt.set(node, now);
  }

  /** Whether that was one of those that have the actor. */
  nodeGone(node: string): boolean {
    this.#supervisors.delete(node);
    this.#heardAt.delete(node);
    return this.#views.delete(node);
  }

  gone(node: string, address: string): boolean {
    return address === this.#address && this.#views.delete(node);
  }

  /** Those that have not been heard for `silentMs` are believed no longer; whether there were any. */
  forgetSilent(silentMs: number, now: number): boolean {
    const silent = [...this.#views.keys()].filter(
      (node) => now - (this.#heardAt.get(node) ?? now) > silentMs,
    );
    for (const node of silent) this.nodeGone(node);
    return silent.length > 0;
  }

  /**
   * The view that counts: that of the leader, or else the newest. Undefined when there is none.
   *
   * @throws RemoteActorError when the actor failed, or another life of it has begun.
   */
  best(): ActorRecord | undefined {
    const leader = leaderOf([...this.#supervisors.values()].filter(leads));
    const [best] = bestFirst([...this.#views.values()].filter(isThere), leader);
    if (best === undefined) return undefined;
    this.#incarnation ??= best.incarnation;
    if (best.incarnation !== this.#incarnation)
      throw new RemoteActorError(`another life of ${this.#address} has begun`, "replaced");
    if (best.status === "faulted")
      throw new RemoteActorError(`${this.#address} failed: ${best.error ?? "?"}`, "faulted");
    return best;
  }
}

/** One that was stopped from outside has left its process without an end of its own. */
function isThere({ status }: ActorRecord): boolean {
  return status !== "stopped";
}

function note(records: Map<string, ActorRecord>, record: ActorRecord): boolean {
  const known = records.get(record.node);
  // A life that is new on its node begins to count anew.
  const isNews =
    known === undefined || known.incarnation !== record.incarnation
      ? known === undefined || record.at >= known.at
      : isNewer(record, known);
  if (isNews) records.set(record.node, withContext(record, known));
  return isNews;
}
