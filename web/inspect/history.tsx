import { useState } from "preact/hooks";
import type { ActorRecord } from "../../src/messages/inspection.ts";
import { Scroll } from "../shared/scroll.tsx";
import { shown } from "../shared/text.ts";
import { clockTime } from "../shared/time.ts";
import type { Choose } from "./app.tsx";
import type { Choice, Scope, Tab } from "./choice.ts";
import { keyOf, type Model } from "./model.ts";
import { SequenceView } from "./sequence-view.tsx";
import { eventName } from "./states.ts";

interface Props {
  readonly model: Model;
  readonly choice: Choice;
  readonly choose: Choose;
}

const MAX_ROWS = 120;

/** What happened: as a log of events, or as messages between actors. */
export function History({ model, choice, choose }: Props) {
  const [text, setText] = useState("");
  const all = choice.scope === "all" || choice.actor === "";
  const source = all ? model.log : model.recordsOf(choice.actor);
  const records = source.filter((record) => record.kind !== "actor" && passes(record, text));
  return (
    <section class="history" aria-label="What happened">
      <div class="bar">
        <h2>What happened</h2>
        <Pick<Tab>
          label="Show"
          value={choice.tab}
          options={{ events: "events", messages: "messages" }}
          onPick={(tab) => choose({ tab })}
        />
        <Pick<Scope>
          label="Of"
          value={choice.scope}
          options={{ actor: "this actor", all: "all actors" }}
          onPick={(scope) => choose({ scope })}
        />
        <input
          type="search"
          placeholder="filter events"
          aria-label="Filter events by type, actor or state"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </div>
      {records.length === 0 ? (
        <p class="empty">{emptyText(all, choice)}</p>
      ) : choice.tab === "messages" ? (
        <SequenceView records={records.slice(-40).reverse()} />
      ) : (
        <Events records={records.slice(-MAX_ROWS).reverse()} choose={choose} />
      )}
    </section>
  );
}

function emptyText(all: boolean, { actor, scope }: Choice): string {
  if (!all) return "Nothing has happened since you look.";
  if (scope === "all") return "Nothing has happened since you look.";
  return actor === "" ? "Choose an actor, or look at all of them." : "Nothing yet.";
}

function Events({
  records,
  choose,
}: {
  readonly records: readonly ActorRecord[];
  readonly choose: Choose;
}) {
  return (
    <Scroll label="Events, the latest first">
      <table class="events">
        <thead>
          <tr>
            <th scope="col">at</th>
            <th scope="col">actor</th>
            <th scope="col">event</th>
            <th scope="col">state</th>
            <th scope="col">did</th>
          </tr>
        </thead>
        <tbody>
          {records.map((record) => (
            <tr key={`${record.node} ${record.seq}`}>
              <td class="number">{clockTime(record.at)}</td>
              <td>
                <button type="button" class="link" onClick={() => choose({ actor: keyOf(record) })}>
                  <bdi>{shown(record.address, 60)}</bdi>
                </button>
              </td>
              <td>
                <bdi>{shown(eventText(record), 80)}</bdi>
              </td>
              <td class={record.from !== undefined && record.from !== record.state ? "moved" : ""}>
                <bdi>{shown(moveText(record), 120)}</bdi>
              </td>
              <td>
                <bdi>{shown(record.actions.join(", "), 120)}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function eventText({ kind, event, status }: ActorRecord): string {
  if (kind === "end") return `${event === undefined ? "" : `${event.type}: `}ended (${status})`;
  const type = event?.type ?? "";
  return type.startsWith("xstate.after.") ? `after ${eventName(type)}` : type;
}

function moveText({ from, state }: ActorRecord): string {
  return from === undefined || from === state ? state : `${from} → ${state}`;
}

function passes(record: ActorRecord, text: string): boolean {
  if (text === "") return true;
  const about = `${record.address} ${eventText(record)} ${moveText(record)} ${record.actions.join(" ")}`;
  return about.toLowerCase().includes(text.toLowerCase());
}

interface PickProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: Readonly<Record<T, string>>;
  readonly onPick: (value: T) => void;
}

function Pick<T extends string>({ label, value, options, onPick }: PickProps<T>) {
  return (
    <fieldset class="pick">
      <legend>{label}</legend>
      {(Object.entries(options) as [T, string][]).map(([option, text]) => (
        <button
          key={option}
          type="button"
          aria-pressed={option === value}
          onClick={() => onPick(option)}
        >
          {text}
        </button>
      ))}
    </fieldset>
  );
}
