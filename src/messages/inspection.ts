import type { Chart } from "../domain/chart.ts";
import type { Followed } from "./followed.ts";

/**
 * What is told of actors over the bus (contract B2, B12). Shaped after the events of inspection that
 * XState 6 has, and none of its own: whoever reads this needs no library.
 */

/** The value of a statechart: the active state, or the active state of each region. */
export type ActorStateValue = string | { readonly [state: string]: ActorStateValue | undefined };

export type ActorRecordKind = "actor" | "transition" | "end";

/** A transition that will be taken after a while, unless the state is left before. */
export interface ActorTimer {
  /** Name of the delay, as in the chart. */
  readonly name: string;
  readonly delayMs: number;
  readonly dueAt: string;
}

/**
 * What an actor did, and how it stands since. The latest record of each actor is in the bucket
 * `actors`; while somebody watches every record is on `actors.<node>.<address…>` as well.
 *
 * - actor: it is there (told when watching begins, when it starts, and in the bucket when it has been
 *   looked at while nobody watched).
 * - transition: it handled an event. end: it is done, was stopped, or failed.
 */
export interface ActorRecord {
  readonly v: 1;
  readonly kind: ActorRecordKind;
  /** The process that hosts it: the id of an orchestrator, a worker, or of a foreign producer. */
  readonly node: string;
  /** Where it is found on its node, for example `worker/w-1`. */
  readonly address: string;
  readonly incarnation: string;
  /**
   * Grows by one with each live record of its node: a gap means records that were dropped. A process that
   * is started again under the same name begins higher. 0 in the bucket.
   */
  readonly seq: number;
  readonly at: string;
  /** Hash of its definition: its key in the bucket `machines`. */
  readonly machine: string;
  readonly machineId: string;
  /** Address of the actor of this node that it belongs to. */
  readonly parent?: string | undefined;
  /**
   * What it handled, with secrets and payloads taken out. Its type alone, and no `context`, where an actor
   * stays in its state and nobody follows it, or does more than a few things in a quarter of a second.
   */
  readonly event?: { readonly type: string; readonly [field: string]: unknown } | undefined;
  /** Address of the actor that sent the event; absent when it came from outside. */
  readonly source?: string | undefined;
  /** State before the event, on one line. */
  readonly from?: string | undefined;
  /** State on one line: "degraded.suspect", regions side by side as "a.b c.d". */
  readonly state: string;
  /** When that state was entered; absent when it was entered before anybody looked. */
  readonly since?: string | undefined;
  readonly value: ActorStateValue;
  readonly status: "active" | "restarting" | "faulted" | "done" | "stopped";
  readonly tags: readonly string[];
  /** With secrets and payloads taken out, and cut to a bounded size; undefined: as it was told last, or about so. */
  readonly context: unknown;
  /** Names of the actions that ran. */
  readonly actions: readonly string[];
  readonly timers: readonly ActorTimer[];
  readonly output?: unknown;
  readonly error?: string | undefined;
}

/** A machine as it travels: key of the bucket `machines` is `hash`. */
export interface MachineDefinition {
  readonly v: 1;
  /** First 16 hex digits of the SHA-256 of `config` as canonical JSON. */
  readonly hash: string;
  readonly id: string;
  /** As it was written, functions replaced by `{type: name}`: what Stately and XState take. */
  readonly config: unknown;
  /** The same, flat, as it can be drawn. */
  readonly chart: Chart;
}

/** What a node answers to a watcher, after its actors are in the bucket. */
export interface NodeInfo {
  readonly v: 1;
  readonly node: string;
  readonly kind: "orchestrator" | "worker" | "bridge" | "foreign";
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  /** How many actors it hosts. */
  readonly actors: number;
  /** Records that could not be sent since it started, because they came faster than the bus took them. */
  readonly dropped: number;
  /** Its actors are on their way into the bucket: another answer follows when they are there. */
  readonly syncing?: boolean;
}

/**
 * Request on `inspection.watch`, to all nodes: tell what your actors do for the next `forMs`. Each
 * node answers with its NodeInfo; with `sync` once all its actors are in the bucket as they are now.
 */
export interface WatchRequest {
  readonly v: 1;
  readonly watcher: string;
  readonly forMs: number;
  readonly sync: boolean;
  /** Addresses of the actors that are followed; absent: all of them are (`Followed`). */
  readonly follow?: readonly string[] | undefined;
}

/** What a watcher is told. */
export interface InspectionListener {
  /** From the bucket or live; older ones than known (by incarnation, `at` and `seq`) may come and are to be dropped. */
  readonly record: (record: ActorRecord, live: boolean) => void;
  readonly machine: (machine: MachineDefinition) => void;
  readonly node: (node: NodeInfo) => void;
  /** A node does not answer any more: its actors are not to be believed. */
  readonly nodeGone: (node: string) => void;
  /** An entry was taken out of the bucket: the actor is gone. */
  readonly gone: (node: string, address: string) => void;
}

export interface InspectionWatch {
  /** Resolves when every node that answers has been heard and every actor of it told. */
  readonly complete: Promise<void>;
  /** Follows these from now on, in place of those before; each is told of at once, as it is. */
  follow(followed: Followed): void;
  stop(): void;
}

/** Where the actors of all processes can be watched. The bus implements it (src/bus/inspection-source.ts). */
export interface InspectionSource {
  /**
   * Until `stop` is called every node is asked, again and again, to tell what its actors do. To be told of
   * an actor in full with each event costs its process more than the event itself; default: of all.
   */
  watch(listener: InspectionListener, followed?: Followed): Promise<InspectionWatch>;
}

/** Whose record it is. */
export type Located = Pick<ActorRecord, "node" | "address">;

/** Where a process tells of its actors. The bus implements it (src/bus/inspection-sink.ts). */
export interface InspectionSink {
  /** A live record, as JSON; false when it could not be taken and is lost. */
  publish(of: Located, text: string): boolean;
  /** The latest of an actor, as JSON, into the bucket. Resolves when stored. */
  put(of: Located, text: string): Promise<void>;
  remove(node: string, address: string): Promise<void>;
  /** Into the bucket, once for each hash. */
  define(machine: MachineDefinition): Promise<void>;
  /** Answers those who watch for a node that is no process on the bus itself, until the function is called. */
  answerFor?(node: () => NodeInfo): () => void;
}

/** The key of an actor, unique over all nodes: in URLs, on the page, as a session id of Stately. */
export function actorKey({ node, address }: Pick<ActorRecord, "node" | "address">): string {
  return `${node}/${address}`;
}
