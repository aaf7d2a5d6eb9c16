import type { ActorRef } from "../kernel/actor.ts";
import type { InspectionRecord, PendingTimer } from "../kernel/reports.ts";
import type { ActorRecord, ActorTimer, MachineDefinition } from "../messages/inspection.ts";
import { definitionOfMachine } from "./definition.ts";
import type { Redact } from "./redact.ts";

/** A record as it travels. `since` is when its state was entered, where that is known (epoch ms). */
export function recordOf(
  seen: InspectionRecord,
  how: {
    readonly node: string;
    readonly seq: number;
    readonly machine: MachineDefinition;
    readonly since: number | undefined;
    readonly redact: Redact;
    /** The type of the event only, and no context: the actor has just told them. */
    readonly isBrief: boolean;
  },
): ActorRecord {
  const { snapshot, event, at } = seen;
  const { node, seq, machine, since, redact, isBrief } = how;
  const { output, error } = snapshot;
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
    event: event === undefined ? undefined : eventOf(event, redact, isBrief),
    source: seen.source,
    from: seen.from,
    state: snapshot.state,
    since: since === undefined ? undefined : iso(since),
    value: snapshot.value,
    status: snapshot.status,
    tags: [...snapshot.tags],
    context: isBrief ? undefined : redact(snapshot.context),
    actions: seen.actions,
    timers: isBrief ? [] : seen.timers.map(timerOf),
    output: output === undefined ? undefined : redact(output),
    error: error === undefined ? undefined : String(error).slice(0, 500),
  };
}

function timerOf({ name, delayMs, dueAt }: PendingTimer): ActorTimer {
  return { name, delayMs, dueAt: iso(dueAt) };
}

/** The machine of an actor as it travels. */
export function machineOf({ machine }: Pick<ActorRef, "machine">): MachineDefinition {
  return definitionOfMachine(machine);
}

function eventOf(
  event: { readonly type: string },
  redact: Redact,
  isBrief: boolean,
): NonNullable<ActorRecord["event"]> {
  if (isBrief) return { type: event.type.slice(0, 256) };
  const { type, ...fields } = event;
  return { ...(redact(fields) as object), type: type.slice(0, 256) };
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
