import type { ActorRef } from "../kernel/actor.ts";
import type { InspectionRecord, PendingTimer } from "../kernel/reports.ts";
import type { ActorRecord, ActorTimer, MachineDefinition } from "../messages/inspection.ts";
import { definitionOfMachine } from "./definition.ts";
import type { Write } from "./redact.ts";
import type { ActorMemo, Memo } from "./redact-memo.ts";

/** A record as it travels, as JSON. `since` is when its state was entered, where that is known (epoch ms). */
export function recordTextOf(
  seen: InspectionRecord,
  how: {
    readonly node: string;
    readonly seq: number;
    readonly machine: MachineDefinition;
    readonly since: number | undefined;
    readonly write: Write;
    /** What was told of the actor before. */
    readonly memo?: ActorMemo | undefined;
    /** The type of the event only, and no context: the actor has just told them. */
    readonly isBrief: boolean;
  },
): string {
  const { write, memo, isBrief } = how;
  const { event, snapshot } = seen;
  const head = JSON.stringify(headOf(seen, how)).slice(0, -1);
  const told =
    field("event", event && eventTextOf(event, isBrief, write, memo?.event)) +
    field("context", isBrief ? undefined : write(snapshot.context, memo?.context)) +
    field("output", write(snapshot.output));
  return `${head}${told}}`;
}

/** All of a record that needs no care. */
function headOf(
  seen: InspectionRecord,
  { node, seq, machine, since, isBrief }: Omit<Parameters<typeof recordTextOf>[1], "write">,
): Omit<ActorRecord, "event" | "context" | "output"> {
  const { snapshot, at } = seen;
  const { error } = snapshot;
  return {
    v: 1,
    kind: seen.kind,
    node,
    address: seen.address,
    incarnation: seen.incarnation,
    seq,
    at: iso(at),
    machine: machine.hash,
    machineId: machine.id,
    parent: seen.parent,
    source: seen.source,
    from: seen.from,
    state: snapshot.state,
    since: since === undefined ? undefined : iso(since),
    value: snapshot.value,
    status: snapshot.status,
    tags: [...snapshot.tags],
    actions: seen.actions,
    timers: isBrief ? [] : seen.timers.map(timerOf),
    error: error === undefined ? undefined : String(error).slice(0, 500),
  };
}

function field(name: string, text: string | undefined): string {
  return text === undefined ? "" : `,"${name}":${text}`;
}

function timerOf({ name, delayMs, dueAt }: PendingTimer): ActorTimer {
  return { name, delayMs, dueAt: iso(dueAt) };
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
  const text = isBrief ? undefined : write(event, memo);
  if (text?.startsWith('{"type":"')) return text;
  const type = `{"type":${JSON.stringify(event.type.slice(0, 256))}`;
  const { type: _type, ...fields } = event;
  const rest = isBrief ? undefined : write(fields);
  return rest === undefined || !/^\{./.test(rest) ? `${type}}` : `${type},${rest.slice(1)}`;
}

const MINUTE_MS = 60_000;
let [lastMinute, prefix] = [Number.NaN, ""];

/** Making an instant text costs more than all the rest of it; the records of a minute share the most of it. */
function iso(ms: number): string {
  const minute = Math.floor(ms / MINUTE_MS);
  if (minute !== lastMinute) {
    prefix = new Date(minute * MINUTE_MS).toISOString().slice(0, -"00.000Z".length);
    lastMinute = minute;
  }
  const rest = Math.floor(ms) - minute * MINUTE_MS;
  const [seconds, thousandths] = [Math.floor(rest / 1_000), rest % 1_000];
  return `${prefix}${seconds < 10 ? "0" : ""}${seconds}.${String(thousandths).padStart(3, "0")}Z`;
}
