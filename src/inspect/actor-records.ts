import type { ActorRef } from "../kernel/actor.ts";
import type { InspectionRecord, PendingTimer } from "../kernel/reports.ts";
import type { MachineDefinition } from "../messages/inspection.ts";
import { definitionOfMachine } from "./definition.ts";
import { isoText, numberText, quoted } from "./json-text.ts";
import type { Write } from "./redact.ts";
import type { ActorMemo, Memo } from "./redact-memo.ts";

/** What of an actor stays the same from one record to the next, as JSON. */
export interface Standing {
  /** The actor: what it is called, and where it is. */
  readonly who: string;
  /** How it stands, and what is told of that. */
  readonly state: string;
  readonly status: string;
  readonly since: number | undefined;
  readonly how: string;
}

/**
 * A record (`ActorRecord`) as it travels, as JSON. It is put together by hand: two thirds of it are as they
 * were in the record before, and to write them anew takes longer than all else (bench/watching.ts).
 */
export function recordTextOf(
  seen: InspectionRecord,
  told: {
    readonly standing: Standing;
    readonly seq: number;
    readonly write: Write;
    /** What was told of the actor before. */
    readonly memo?: ActorMemo | undefined;
    /** The type of the event only, no context and no timers: the actor has just told them. */
    readonly isBrief: boolean;
  },
): string {
  const { standing, seq, write, memo, isBrief } = told;
  const { event, from, snapshot } = seen;
  const head = `${standing.who},"kind":"${seen.kind}","seq":${seq},"at":${isoText(seen.at)}${standing.how}`;
  const before = from === undefined ? "" : `,"from":${quoted(from)}`;
  const source = seen.source === undefined ? "" : `,"source":${quoted(seen.source)}`;
  const actions = seen.actions.length === 0 ? "[]" : JSON.stringify(seen.actions);
  const timers = isBrief ? "" : seen.timers.map(timerText).join(",");
  const rest =
    field("event", event && eventTextOf(event, isBrief, write, memo?.event)) +
    field("context", isBrief ? undefined : write(snapshot.context, memo?.context)) +
    field("output", snapshot.output === undefined ? undefined : write(snapshot.output));
  return `${head}${before}${source},"actions":${actions},"timers":[${timers}]${rest}}`;
}

/** `known` as long as it still holds; `since` is when the state was entered, where that is known (epoch ms). */
export function standingOf(
  { address, incarnation, parent, snapshot }: InspectionRecord,
  { node, machine }: { readonly node: string; readonly machine: MachineDefinition },
  since: number | undefined,
): Standing {
  const { state, value, status, tags, error } = snapshot;
  const who = {
    v: 1,
    node,
    address,
    incarnation,
    machine: machine.hash,
    machineId: machine.id,
    parent,
  };
  const how = {
    state,
    value,
    status,
    tags: [...tags],
    error: error === undefined ? undefined : String(error).slice(0, 500),
  };
  const entered = since === undefined ? "" : `,"since":${isoText(since)}`;
  return {
    who: JSON.stringify(who).slice(0, -1),
    state,
    status,
    since,
    how: `,${JSON.stringify(how).slice(1, -1)}${entered}`,
  };
}

function field(name: string, text: string | undefined): string {
  return text === undefined ? "" : `,"${name}":${text}`;
}

function timerText({ name, delayMs, dueAt }: PendingTimer): string {
  return `{"name":${quoted(name)},"delayMs":${numberText(delayMs)},"dueAt":${isoText(dueAt)}}`;
}

/** The machine of an actor as it travels. */
export function machineOf({ machine }: Pick<ActorRef, "machine">): MachineDefinition {
  return definitionOfMachine(machine);
}

/** Of what is told in full the type is nearly always the first field. */
function eventTextOf(
  event: { readonly type: string },
  isBrief: boolean,
  write: Write,
  memo: Memo | undefined,
): string {
  if (!isBrief && isTypeFirst(event)) {
    const text = write(event, memo);
    if (text !== undefined) return text;
  }
  const type = `{"type":${quoted(event.type.slice(0, 256))}`;
  if (isBrief) return `${type}}`;
  const { type: _type, ...fields } = event;
  const rest = write(fields);
  return rest === undefined || !/^\{./.test(rest) ? `${type}}` : `${type},${rest.slice(1)}`;
}

function isTypeFirst(event: object): boolean {
  if (Object.getPrototypeOf(event) !== Object.prototype) return false;
  for (const name in event) return name === "type";
  return false;
}
