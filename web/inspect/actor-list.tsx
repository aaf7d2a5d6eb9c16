import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ActorSummary } from "../../src/messages/inspection-live.ts";
import { plural, shown } from "../shared/text.ts";
import type { Choose } from "./app.tsx";
import type { Choice } from "./choice.ts";
import { Filters } from "./filters.tsx";
import type { Model } from "./model.ts";
import { activePaths, moodOf, SIGNS } from "./states.ts";

const ROW_PX = 46;
/** Rows beyond what is seen, so that scrolling shows no gaps. */
const SPARE = 6;

interface Props {
  readonly model: Model;
  readonly choice: Choice;
  readonly choose: Choose;
}

/** All actors that pass the filters; only those in sight are in the page. */
export function ActorList({ model, choice, choose }: Props) {
  const found = filtered(model, choice);
  return (
    <section class="list" aria-label="Actors">
      <Filters model={model} choice={choice} choose={choose} />
      <p class="found" role="status">
        {model.isComplete ? plural(found.length, "actor") : "reading the actors …"}
      </p>
      {found.length === 0 ? (
        <Nobody model={model} />
      ) : (
        <Rows model={model} found={found} choice={choice} choose={choose} />
      )}
    </section>
  );
}

function Nobody({ model }: { readonly model: Model }) {
  if (!model.isComplete) return null;
  if (model.actors.size > 0) return <p class="empty">No actor passes these filters.</p>;
  return (
    <p class="empty">
      No actors. Start a worker with <code>batuta worker</code>.
    </p>
  );
}

function Rows({
  model,
  found,
  choice,
  choose,
}: Props & { readonly found: readonly ActorSummary[] }) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const measure = () => {
    const { scrollTop = 0, clientHeight = 600 } = box.current ?? {};
    setView({ top: scrollTop, height: clientHeight });
  };
  useEffect(() => {
    measure();
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);
  const first = Math.max(0, Math.floor(view.top / ROW_PX) - SPARE);
  const last = Math.min(found.length, Math.ceil((view.top + view.height) / ROW_PX) + SPARE);
  const chosen = found.findIndex(({ key }) => key === choice.actor);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextRow(event.key, chosen, found.length, Math.floor(view.height / ROW_PX));
    const actor = next === undefined ? undefined : found[next];
    if (next === undefined || actor === undefined) return;
    event.preventDefault();
    choose({ actor: actor.key });
    reveal(box.current, next);
  };
  return (
    <div
      ref={box}
      class="rows"
      role="listbox"
      tabIndex={0}
      aria-label="Actors, arrow keys to choose"
      aria-activedescendant={chosen >= first && chosen < last ? `row-${chosen}` : undefined}
      onScroll={measure}
      onKeyDown={onKeyDown}
    >
      <Space px={first * ROW_PX} />
      {found.slice(first, last).map((actor, i) => (
        <Row
          key={actor.key}
          actor={actor}
          place={first + i}
          size={found.length}
          isChosen={first + i === chosen}
          machineId={model.machineId(actor)}
          choose={choose}
        />
      ))}
      <Space px={(found.length - last) * ROW_PX} />
    </div>
  );
}

/** Stands for the rows that are not in the page. */
function Space({ px }: { readonly px: number }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current !== null) box.current.style.height = `${px}px`;
  }, [px]);
  return <div ref={box} role="presentation" />;
}

interface RowProps {
  readonly actor: ActorSummary;
  readonly place: number;
  readonly size: number;
  readonly isChosen: boolean;
  readonly machineId: string;
  readonly choose: Choose;
}

function Row({ actor, place, size, isChosen, machineId, choose }: RowProps) {
  const mood = moodOf(actor);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the focus and takes the keys.
    <div
      id={`row-${place}`}
      class={`row${isChosen ? " chosen" : ""}${actor.lost ? " lost" : ""}`}
      role="option"
      tabIndex={-1}
      aria-selected={isChosen}
      aria-posinset={place + 1}
      aria-setsize={size}
      data-key={actor.key}
      onClick={() => choose({ actor: actor.key })}
    >
      <span class={`sign ${mood}`} aria-hidden="true">
        {SIGNS[mood]}
      </span>
      <bdi class="address">{shown(actor.address, 120)}</bdi>
      <bdi class="state">{shown(actor.state, 60)}</bdi>
      <bdi class="where">
        {shown(machineId, 40)} · {shown(actor.node, 60)}
      </bdi>
    </div>
  );
}

function nextRow(key: string, chosen: number, size: number, page: number): number | undefined {
  const at = (place: number) => Math.min(size - 1, Math.max(0, place));
  switch (key) {
    case "ArrowDown":
      return at(chosen + 1);
    case "ArrowUp":
      return at(chosen - 1);
    case "PageDown":
      return at(chosen + page);
    case "PageUp":
      return at(chosen - page);
    case "Home":
      return 0;
    case "End":
      return size - 1;
    default:
      return undefined;
  }
}

function reveal(box: HTMLDivElement | null, place: number): void {
  if (box === null) return;
  const top = place * ROW_PX;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + ROW_PX > box.scrollTop + box.clientHeight)
    box.scrollTop = top + ROW_PX - box.clientHeight;
}

function filtered(model: Model, choice: Choice): readonly ActorSummary[] {
  const { text, machine, node, state } = choice;
  const ordered = model.ordered;
  const words = useMemo(() => text.toLowerCase().split(/\s+/).filter(Boolean), [text]);
  if (words.length === 0 && machine === "" && node === "" && state === "") return ordered;
  return ordered.filter((actor) => {
    if (machine !== "" && actor.machine !== machine) return false;
    if (node !== "" && actor.node !== node) return false;
    if (
      state !== "" &&
      !activePaths(actor.state, model.machines.get(actor.machine)?.chart).has(state)
    )
      return false;
    if (words.length === 0) return true;
    const about = `${actor.address} ${actor.state} ${actor.node} ${model.machineId(actor)}`;
    const lower = about.toLowerCase();
    return words.every((word) => lower.includes(word));
  });
}
