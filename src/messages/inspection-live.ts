import type { Chart } from "../domain/chart.ts";
import type { ActorRecord, NodeInfo } from "./inspection.ts";

/**
 * What travels between a page and the WebSocket `/inspect/live`: one JSON object a frame. Our own
 * page's protocol; it may change with the page.
 */

/** An actor in the list of the page: a record without what only one who looks closely needs. */
export interface ActorSummary {
  /** `actorKey`. */
  readonly key: string;
  readonly node: string;
  readonly address: string;
  readonly machine: string;
  readonly state: string;
  readonly status: ActorRecord["status"];
  /** When it last did something; ISO. */
  readonly at: string;
  readonly since?: string | undefined;
  readonly parent?: string | undefined;
  /** Why it is as it is, where its context has `reasons`. */
  readonly reasons?: readonly string[] | undefined;
  /** Its node does not answer any more: this is what was last known. */
  readonly lost?: true | undefined;
}

export interface PageMachine {
  readonly hash: string;
  readonly id: string;
  readonly chart: Chart;
  /** Where its drawing is: `/inspect/machines/<hash>.svg`. */
  readonly svg: string;
}

/** Server to page. */
export type LiveMessage =
  | { readonly type: "hello"; readonly v: 1; readonly at: string }
  | { readonly type: "nodes"; readonly nodes: readonly NodeInfo[] }
  | { readonly type: "machines"; readonly machines: readonly PageMachine[] }
  /** All there are, in chunks; `complete` on the last one. Anything known from before is to be forgotten on the first. */
  | {
      readonly type: "actors";
      readonly first: boolean;
      readonly actors: readonly ActorSummary[];
      readonly complete: boolean;
    }
  /** What changed since the last one, 10 times a second at most; each actor once, as it is now. */
  | {
      readonly type: "changes";
      readonly at: string;
      readonly actors: readonly ActorSummary[];
      /** Keys. */
      readonly gone: readonly string[];
    }
  /** Of the actors that the page follows: every record, in order. `dropped`: how many since the page came it was too slow for. */
  | {
      readonly type: "records";
      readonly records: readonly ActorRecord[];
      readonly dropped: number;
    }
  /** Answers what could not be read. */
  | { readonly type: "refused"; readonly reason: string };

/** Page to server: whose records are wanted in full. Replaces what was wanted before. The latest record of each is sent at once. */
export interface FollowRequest {
  readonly type: "follow";
  /** Keys of actors, 200 at most. */
  readonly keys: readonly string[];
  /** And of all actors: events only, contexts left out (for the event log and the sequence view). */
  readonly all: boolean;
}
