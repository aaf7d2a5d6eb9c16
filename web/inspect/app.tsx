import { useEffect, useState } from "preact/hooks";
import { useChanges } from "../shared/hooks.ts";
import { ActorList } from "./actor-list.tsx";
import { ActorView } from "./actor-view.tsx";
import { type Choice, hashOf, readChoice } from "./choice.ts";
import { Header } from "./header.tsx";
import { History } from "./history.tsx";
import type { Live } from "./live.ts";
import { Login } from "./login.tsx";
import type { Model } from "./model.ts";

/** The whole page. */
export function App({ model, live }: { readonly model: Model; readonly live: Live }) {
  useChanges(model);
  const [choice, choose] = useChoice();
  const actor = model.actors.get(choice.actor);
  useEffect(() => {
    const keys = choice.actor === "" ? [] : [choice.actor];
    live.follow(keys, choice.scope === "all");
  }, [live, choice.actor, choice.scope]);
  if (model.connection === "login") return <Login />;
  return (
    <div class={choice.actor === "" ? "page" : "page chosen"}>
      <Header model={model} />
      <main>
        <ActorList model={model} choice={choice} choose={choose} />
        <div class="right">
          <ActorView model={model} actor={actor} choice={choice} choose={choose} />
          <History model={model} choice={choice} choose={choose} />
        </div>
      </main>
    </div>
  );
}

/** Changes what is chosen; the rest stays. */
export type Choose = (change: Partial<Choice>) => void;

function useChoice(): [Choice, Choose] {
  const [choice, set] = useState(() => readChoice(location.hash));
  useEffect(() => {
    const read = () => set(readChoice(location.hash));
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const choose: Choose = (change) => {
    const next = { ...readChoice(location.hash), ...change };
    set(next);
    history.replaceState(null, "", `#${hashOf(next)}`);
  };
  return [choice, choose];
}
