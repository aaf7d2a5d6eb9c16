import { useEffect, useRef, useState } from "preact/hooks";
import type { ActorRecord } from "../../src/messages/inspection.ts";
import type { ActorSummary, PageMachine } from "../../src/messages/inspection-live.ts";
import { plural, shown } from "../shared/text.ts";
import type { Choose } from "./app.tsx";
import type { Model } from "./model.ts";
import { activePaths, eventName, lastMove, type Move, population } from "./states.ts";

interface Props {
  readonly model: Model;
  readonly machine: string;
  /** Undefined: only how many actors are in each state. */
  readonly actor: ActorSummary | undefined;
  readonly records: readonly ActorRecord[];
  readonly choose: Choose;
}

/** The statechart of a machine, with the states of one actor lit and the actors in each state counted. */
export function ChartView({ model, machine, actor, records, choose }: Props) {
  const known = model.machines.get(machine);
  const drawing = useDrawing(known);
  const box = useRef<HTMLDivElement>(null);
  const peers = peersOf(model, machine, actor);
  useEffect(() => {
    const svg = drawing?.documentElement;
    if (svg === undefined || box.current === null) return;
    box.current.replaceChildren(document.importNode(svg, true));
  }, [drawing]);
  useEffect(() => {
    if (box.current === null) return;
    const chart = known?.chart;
    count(box.current, population(peers, chart));
    light(box.current, actor === undefined ? new Set() : activePaths(actor.state, chart));
    showMove(box.current, lastMove(records, chart));
  });
  const pick = (event: Event) => {
    const state = stateAt(event);
    if (state !== undefined && state !== "") choose({ machine, state });
  };
  return (
    <section class="chart" aria-label="Statechart">
      <h2>
        <bdi>{shown(known?.id ?? machine, 80)}</bdi>
        <span> {plural(peers.length, "actor")}</span>
      </h2>
      {drawing === null && <p class="empty">The chart could not be drawn.</p>}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/noStaticElementInteractions: a short cut for the filter of states, which has keys */}
      <div ref={box} class="drawing" onClick={pick} />
      <Population counts={population(peers, known?.chart)} />
    </section>
  );
}

/** The same in words, for those who do not see the chart. */
function Population({ counts }: { readonly counts: ReadonlyMap<string, number> }) {
  return (
    <ul class="population" aria-label="Actors in each state">
      {[...counts].map(([state, number]) => (
        <li key={state}>
          <bdi>{shown(state, 60)}</bdi> <span class="number">{number}</span>
        </li>
      ))}
    </ul>
  );
}

/** Where a process hosts many actors of a machine its own are counted: another may watch the same workers. */
function peersOf(model: Model, machine: string, actor: ActorSummary | undefined): ActorSummary[] {
  const all = model.ordered.filter((each) => each.machine === machine);
  const own = actor === undefined ? [] : all.filter(({ node }) => node === actor.node);
  return own.length > 1 ? own : all;
}

/** Undefined while it is fetched, null when that failed. */
function useDrawing(machine: PageMachine | undefined): Document | null | undefined {
  const [drawing, set] = useState<Document | null | undefined>();
  const address = machine?.svg;
  useEffect(() => {
    if (address === undefined) return;
    const given = new AbortController();
    set(undefined);
    fetchDrawing(address, given.signal)
      .then(set)
      .catch(() => {
        if (!given.signal.aborted) set(null);
      });
    return () => given.abort();
  }, [address]);
  return drawing;
}

async function fetchDrawing(address: string, signal: AbortSignal): Promise<Document> {
  const answer = await fetch(address, { signal });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
}

function count(box: Element, counts: ReadonlyMap<string, number>): void {
  for (const text of box.querySelectorAll<SVGTextElement>("[data-count]")) {
    const number = counts.get(text.dataset.count ?? "") ?? 0;
    const shownNumber = number === 0 ? "" : String(number);
    if (text.textContent !== shownNumber) text.textContent = shownNumber;
  }
}

function light(box: Element, active: ReadonlySet<string>): void {
  for (const group of box.querySelectorAll<SVGGElement>("[data-state]"))
    group.classList.toggle("active", active.has(group.dataset.state ?? ""));
}

/** Marks the arrow that was taken last, and what it was taken for. */
function showMove(box: Element, move: Move | undefined): void {
  const name = eventName(move?.event ?? "");
  for (const group of box.querySelectorAll<SVGGElement>("[data-from]")) {
    const { from = "", to = "" } = group.dataset;
    const isTaken = move?.to.has(to) === true && (from === "" || move.from.has(from));
    group.classList.toggle("taken", isTaken);
    for (const label of group.querySelectorAll<SVGTextElement>("[data-edge]"))
      label.classList.toggle("cause", isTaken && label.dataset.edge?.split("|")[1] === name);
  }
}

function stateAt({ target }: Event): string | undefined {
  const group = target instanceof Element ? target.closest<SVGGElement>("[data-state]") : null;
  return group?.dataset.state;
}
