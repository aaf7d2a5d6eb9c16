import type { ActorRecord } from "../../src/messages/inspection.ts";
import { Scroll } from "../shared/scroll.tsx";
import { shown } from "../shared/text.ts";
import { clockTime } from "../shared/time.ts";
import { eventName } from "./states.ts";

const COLUMN_PX = 190;
const ROW_PX = 26;
const TOP_PX = 40;
const TIME_PX = 96;
const MAX_LINES = 8;
const OUTSIDE = "outside";

/** Messages from actor to actor, the latest first; what no actor sent came from outside. */
export function SequenceView({ records }: { readonly records: readonly ActorRecord[] }) {
  const lines = lifelines(records);
  const x = (name: string) => TIME_PX + (lines.indexOf(name) + 0.5) * COLUMN_PX;
  const width = TIME_PX + lines.length * COLUMN_PX;
  const height = TOP_PX + records.length * ROW_PX + 16;
  return (
    <Scroll label="Messages between actors, the latest first">
      <svg class="sequence" width={width} height={height} role="img" aria-label={summary(records)}>
        {lines.map((name) => (
          <g key={name}>
            <line class="life" x1={x(name)} y1={TOP_PX - 8} x2={x(name)} y2={height} />
            <text class="who" x={x(name)} y={20} text-anchor="middle">
              {shown(name, 26)}
            </text>
          </g>
        ))}
        {records.map((record, i) => (
          <Message
            key={`${record.node} ${record.seq}`}
            record={record}
            from={x(lineOf(senderOf(record), lines))}
            to={x(lineOf(record.address, lines))}
            y={TOP_PX + i * ROW_PX + 12}
          />
        ))}
      </svg>
    </Scroll>
  );
}

interface MessageProps {
  readonly record: ActorRecord;
  readonly from: number;
  readonly to: number;
  readonly y: number;
}

function Message({ record, from, to, y }: MessageProps) {
  const name = shown(eventName(record.event?.type ?? record.kind), 28);
  const hasMoved = record.from !== undefined && record.from !== record.state;
  const text = hasMoved ? `${name} → ${shown(record.state, 24)}` : name;
  const isSelf = from === to;
  const path = isSelf
    ? `M${from} ${y - 4}h22v8h-18`
    : `M${from} ${y}L${to + (to > from ? -5 : 5)} ${y}`;
  const head = isSelf ? `M${from + 8} ${y}l-6 4l6 4z` : headAt(to, y, to > from);
  return (
    <g class={hasMoved ? "message moved" : "message"}>
      <text class="at" x={4} y={y + 4}>
        {clockTime(record.at)}
      </text>
      <path class="line" d={path} />
      <path class="head" d={head} />
      <text x={isSelf ? from + 28 : Math.min(from, to) + 8} y={isSelf ? y + 4 : y - 4}>
        {text}
      </text>
    </g>
  );
}

function headAt(x: number, y: number, isRight: boolean): string {
  return isRight ? `M${x} ${y}l-7 -4v8z` : `M${x} ${y}l7 -4v8z`;
}

/** An actor's own timers are messages to itself. */
function senderOf({ source, event, address }: ActorRecord): string {
  if (event?.type.startsWith("xstate.")) return address;
  return source ?? OUTSIDE;
}

/** Those that most is told of; the others share one line. */
function lifelines(records: readonly ActorRecord[]): string[] {
  const counts = new Map<string, number>([[OUTSIDE, Number.POSITIVE_INFINITY]]);
  for (const record of records)
    for (const name of [senderOf(record), record.address])
      counts.set(name, (counts.get(name) ?? 0) + 1);
  const names = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
  return names.length <= MAX_LINES ? names : [...names.slice(0, MAX_LINES - 1), "others"];
}

function lineOf(name: string, lines: readonly string[]): string {
  return lines.includes(name) ? name : "others";
}

function summary(records: readonly ActorRecord[]): string {
  const latest = records.slice(0, 5).map((record) => {
    const name = eventName(record.event?.type ?? record.kind);
    return `${senderOf(record)} to ${record.address}: ${name}`;
  });
  return shown(`The latest messages: ${latest.join("; ")}`, 600);
}
