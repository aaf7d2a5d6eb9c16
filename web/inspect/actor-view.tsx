import type { ActorRecord } from "../../src/messages/inspection.ts";
import type { ActorSummary } from "../../src/messages/inspection-live.ts";
import { useNow } from "../shared/hooks.ts";
import { shown } from "../shared/text.ts";
import { since, span } from "../shared/time.ts";
import type { Choose } from "./app.tsx";
import { ChartView } from "./chart-view.tsx";
import type { Choice } from "./choice.ts";
import { ContextTree } from "./context-tree.tsx";
import type { Model } from "./model.ts";
import { moodOf, SIGNS } from "./states.ts";

interface Props {
  readonly model: Model;
  readonly actor: ActorSummary | undefined;
  readonly choice: Choice;
  readonly choose: Choose;
}

/** One actor: how it is and why, its statechart, its timers, its context. */
export function ActorView({ model, actor, choice, choose }: Props) {
  if (actor === undefined) return <Welcome model={model} choice={choice} choose={choose} />;
  const records = model.recordsOf(actor.key);
  const latest = records.at(-1);
  return (
    <>
      <section class="actor" aria-label="The chosen actor">
        <button type="button" class="back" onClick={() => choose({ actor: "" })}>
          ← all actors
        </button>
        <Head actor={actor} latest={latest} choose={choose} />
        <Reasons actor={actor} />
        <Timers latest={latest} />
      </section>
      <ChartView
        model={model}
        machine={actor.machine}
        actor={actor}
        records={records}
        choose={choose}
      />
      <section class="context" aria-label="Context">
        <h2>Context</h2>
        <ContextTree now={latest?.context} before={records.at(-2)?.context} />
      </section>
    </>
  );
}

function Welcome({ model, choice, choose }: Omit<Props, "actor">) {
  const machine = model.machines.get(choice.machine);
  if (machine === undefined)
    return (
      <section class="welcome">
        <p>
          {choice.actor === ""
            ? "Choose an actor to see its statechart, or a machine to see how many of its actors are in each state."
            : "The chosen actor is not there (any more)."}
        </p>
      </section>
    );
  return (
    <ChartView
      model={model}
      machine={machine.hash}
      actor={undefined}
      records={[]}
      choose={choose}
    />
  );
}

interface HeadProps {
  readonly actor: ActorSummary;
  readonly latest: ActorRecord | undefined;
  readonly choose: Choose;
}

function Head({ actor, latest, choose }: HeadProps) {
  const now = useNow(1_000);
  const mood = moodOf(actor);
  const { parent, node, lost } = actor;
  return (
    <div class="head">
      <h2>
        <bdi>{shown(actor.address, 160)}</bdi>
      </h2>
      <p class="now">
        <span class={`sign ${mood}`} aria-hidden="true">
          {SIGNS[mood]}
        </span>
        <strong class="current">
          <bdi>{shown(actor.state)}</bdi>
        </strong>
        {actor.since !== undefined && <span> for {since(actor.since, now)}</span>}
        {actor.status !== "active" && <span> ({actor.status})</span>}
        {lost && <span class="bad"> its process does not answer</span>}
      </p>
      <p class="where">
        in <bdi>{shown(node)}</bdi>
        {latest !== undefined && (
          <>
            {" "}
            · incarnation <bdi>{shown(latest.incarnation, 60)}</bdi>
          </>
        )}
        {parent !== undefined && (
          <>
            {" · belongs to "}
            <button
              type="button"
              class="link"
              onClick={() => choose({ actor: `${node}/${parent}` })}
            >
              <bdi>{shown(parent, 80)}</bdi>
            </button>
          </>
        )}
      </p>
    </div>
  );
}

function Reasons({ actor }: { readonly actor: ActorSummary }) {
  const { reasons = [] } = actor;
  if (reasons.length === 0) return null;
  return (
    <div class="reasons">
      <h3>Why</h3>
      <ul>
        {reasons.map((reason) => (
          <li key={reason}>
            <bdi>{shown(reason)}</bdi>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Timers({ latest }: { readonly latest: ActorRecord | undefined }) {
  const now = useNow(200);
  const timers = latest?.timers ?? [];
  if (timers.length === 0) return null;
  return (
    <div class="timers">
      <h3>Timers</h3>
      <ul>
        {timers.map(({ name, delayMs, dueAt }) => {
          const leftMs = Math.max(0, Date.parse(dueAt) - now);
          return (
            <li key={name}>
              <bdi>{shown(name, 60)}</bdi>
              <progress
                aria-label={`until ${shown(name, 60)}`}
                max={delayMs}
                value={Math.max(0, delayMs - leftMs)}
              />
              <span class="number">{span(leftMs)}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
