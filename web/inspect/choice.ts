export type Tab = "events" | "messages";
export type Scope = "actor" | "all";

/** What the one who looks has chosen. It is in the address, so that it can be passed on. */
export interface Choice {
  readonly actor: string;
  readonly text: string;
  readonly machine: string;
  readonly node: string;
  readonly state: string;
  readonly tab: Tab;
  readonly scope: Scope;
}

const NONE: Choice = {
  actor: "",
  text: "",
  machine: "",
  node: "",
  state: "",
  tab: "events",
  scope: "actor",
};

export function readChoice(hash: string): Choice {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const text = (name: keyof Choice) => given.get(name) ?? NONE[name];
  return {
    actor: text("actor"),
    text: text("text"),
    machine: text("machine"),
    node: text("node"),
    state: text("state"),
    tab: text("tab") === "messages" ? "messages" : "events",
    scope: text("scope") === "all" ? "all" : "actor",
  };
}

export function hashOf(choice: Choice): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(choice))
    if (value !== NONE[name as keyof Choice]) given.set(name, value);
  return given.toString();
}
