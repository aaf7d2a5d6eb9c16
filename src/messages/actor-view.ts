import { NotFoundError } from "../domain/errors.ts";
import { nearestName } from "../domain/nearest.ts";
import { type ActorTable, bestFirst, leaderOf } from "./actor-table.ts";
import type { ActorRecord, NodeInfo } from "./inspection.ts";

/** An actor in a list. */
export interface ActorRow
  extends Pick<
    ActorRecord,
    | "address"
    | "node"
    | "incarnation"
    | "machineId"
    | "machine"
    | "state"
    | "status"
    | "tags"
    | "at"
    | "since"
    | "parent"
  > {}

export interface ActorQuery {
  /** Id or hash of a machine. */
  readonly machine?: string;
  readonly node?: string;
  /** A state, or one that holds it: "degraded" is also "degraded.suspect". */
  readonly state?: string;
  /** What the address begins with. */
  readonly prefix?: string;
  /** `next` of the page before. */
  readonly cursor?: string;
  readonly limit: number;
}

export interface ActorPage {
  readonly actors: readonly ActorRow[];
  /** Every process that answers, whatever was asked for. */
  readonly nodes: readonly NodeInfo[];
  /** Absent on the last page. */
  readonly next?: string;
}

/** An actor, as the leader sees it, or else the node that told last; and who else hosts one of that address. */
export interface ActorView extends ActorRecord {
  readonly others: readonly Pick<ActorRecord, "node" | "state" | "at">[];
}

/** The actors that fit, by address and then node. */
export function pageOf(table: ActorTable, query: ActorQuery): ActorPage {
  const after = query.cursor === undefined ? undefined : placeIn(query.cursor);
  const fitting = table.actors().filter((record) => fits(record, query));
  const rest = after === undefined ? fitting : fitting.filter((each) => isBehind(each, after));
  const shown = rest.slice(0, query.limit);
  const last = shown.at(-1);
  return {
    actors: shown.map(rowOf),
    nodes: table.nodes(),
    ...(last !== undefined && rest.length > shown.length ? { next: cursorOf(last) } : {}),
  };
}

/** Undefined when no node, or not the one that is named, hosts an actor of that address. */
export function actorView(
  table: ActorTable,
  address: string,
  node?: string,
): ActorView | undefined {
  const all = table.actors();
  const views = bestFirst(
    all.filter((record) => record.address === address),
    leaderOf(all),
  );
  const chosen = node === undefined ? views[0] : views.find((view) => view.node === node);
  if (chosen === undefined) return undefined;
  const others = views.filter((view) => view !== chosen);
  return { ...chosen, others: others.map(({ node, state, at }) => ({ node, state, at })) };
}

/** Says what is near: the actor on another node, or one with another address. */
export function noSuchActor(table: ActorTable, address: string, node?: string): NotFoundError {
  const all = table.actors();
  const hosts = all.filter((each) => each.address === address).map((each) => each.node);
  if (hosts.length > 0)
    return new NotFoundError(`${address} is on ${hosts.join(", ")}, not on ${node}`);
  const nearest = nearestName(address, [...new Set(all.map((each) => each.address))]);
  const hint = nearest === undefined ? "no process tells of any" : `the nearest is ${nearest}`;
  return new NotFoundError(`there is no actor ${address}: ${hint}`);
}

export function fits(
  record: ActorRecord,
  { machine, node, state, prefix }: Omit<ActorQuery, "limit">,
): boolean {
  return (
    (machine === undefined || machine === record.machineId || machine === record.machine) &&
    (node === undefined || node === record.node) &&
    (state === undefined || isIn(record.state, state)) &&
    (prefix === undefined || record.address.startsWith(prefix))
  );
}

/** Whether a state, on one line, is or is within another. */
function isIn(line: string, state: string): boolean {
  return line.split(" ").some((each) => each === state || each.startsWith(`${state}.`));
}

/** Whether this can be a cursor; any place can be gone on from, whether its actor is still there or not. */
export function isCursor(text: string): boolean {
  return placeIn(text) !== undefined;
}

type Place = Pick<ActorRecord, "address" | "node">;

function cursorOf({ address, node }: Place): string {
  return Buffer.from(JSON.stringify([address, node])).toString("base64url");
}

function placeIn(cursor: string): Place | undefined {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (!Array.isArray(place) || place.length !== 2) return undefined;
    const [address, node] = place;
    return typeof address === "string" && typeof node === "string" ? { address, node } : undefined;
  } catch {
    // Not of our making.
    return undefined;
  }
}

function isBehind({ address, node }: Place, after: Place): boolean {
  return address === after.address ? node > after.node : address > after.address;
}

export function rowOf(record: ActorRecord): ActorRow {
  const { address, node, incarnation, machineId, machine } = record;
  const { state, status, tags, at, since, parent } = record;
  return { address, node, incarnation, machineId, machine, state, status, tags, at, since, parent };
}
