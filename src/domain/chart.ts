/** One state of a machine, flat: `path` is "degraded.suspect", and "" for the machine itself. */
export interface ChartState {
  readonly path: string;
  readonly key: string;
  readonly parent: string | undefined;
  readonly kind: "atomic" | "compound" | "parallel" | "final";
  readonly initial: string | undefined;
  readonly tags: readonly string[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
}

/** One way from a state, with the names of what decides and what happens. */
export interface ChartEdge {
  readonly from: string;
  readonly trigger: "event" | "after" | "always";
  /** Of the event or the delay; "" for always. */
  readonly name: string;
  readonly guard: string | undefined;
  /** Undefined: the state stays. */
  readonly to: string | undefined;
  readonly actions: readonly string[];
}

/** A machine as it can be drawn. */
export interface Chart {
  readonly id: string;
  readonly states: readonly ChartState[];
  readonly edges: readonly ChartEdge[];
}

/** The library's `and`, `or` and `not` make functions of the guards that they put together. */
interface Combined {
  readonly name: string;
  readonly guards?: readonly Named[];
}

type Named =
  | string
  | { readonly type: string; readonly params?: Readonly<Record<string, unknown>> }
  | (Combined & (() => void));
type Many<T> = T | readonly T[];

interface TransitionConfig {
  readonly target?: string;
  readonly guard?: Named;
  readonly actions?: Many<Named>;
}
type Transitions = Many<string | TransitionConfig>;

interface StateConfig {
  readonly id?: string;
  readonly type?: string;
  readonly initial?: string;
  readonly tags?: Many<string>;
  readonly entry?: Many<Named>;
  readonly exit?: Many<Named>;
  readonly on?: Readonly<Record<string, Transitions>>;
  readonly after?: Readonly<Record<string, Transitions>>;
  readonly always?: Transitions;
  readonly states?: Readonly<Record<string, StateConfig>>;
}

interface Node {
  readonly path: string;
  readonly key: string;
  readonly parent: string | undefined;
  readonly config: StateConfig;
}

/** Reads a machine as it was written: the resolved form leaves out the eventless transitions. */
export function chartOf(machine: { readonly id: string; readonly config: unknown }): Chart {
  const root = machine.config as StateConfig;
  const nodes = nodesOf({ path: "", key: machine.id, parent: undefined, config: root });
  return {
    id: machine.id,
    states: nodes.map(stateOf),
    edges: nodes.flatMap((node) => edgesOf(node, nodes)),
  };
}

function nodesOf(node: Node): Node[] {
  const below = Object.entries(node.config.states ?? {}).flatMap(([key, config]) =>
    nodesOf({ path: join(node.path, key), key, parent: node.path, config }),
  );
  return [node, ...below];
}

function stateOf({ path, key, parent, config }: Node): ChartState {
  const { initial } = config;
  return {
    path,
    key,
    parent,
    kind: kindOf(config),
    initial: initial === undefined ? undefined : join(path, initial),
    tags: many(config.tags),
    entry: many(config.entry).map(nameOf),
    exit: many(config.exit).map(nameOf),
  };
}

function kindOf({ type, states }: StateConfig): ChartState["kind"] {
  if (type === "final" || type === "parallel") return type;
  return states === undefined ? "atomic" : "compound";
}

function edgesOf(node: Node, nodes: readonly Node[]): ChartEdge[] {
  const { on = {}, after = {}, always } = node.config;
  const edge = (trigger: ChartEdge["trigger"], name: string, transitions: Transitions) =>
    many(transitions).map((transition) => edgeOf(node, nodes, trigger, name, transition));
  return [
    ...edge("always", "", always ?? []),
    ...Object.entries(on).flatMap(([name, list]) => edge("event", name, list)),
    ...Object.entries(after).flatMap(([name, list]) => edge("after", name, list)),
  ];
}

function edgeOf(
  node: Node,
  nodes: readonly Node[],
  trigger: ChartEdge["trigger"],
  name: string,
  transition: string | TransitionConfig,
): ChartEdge {
  const config = typeof transition === "string" ? { target: transition } : transition;
  return {
    from: node.path,
    trigger,
    name,
    guard: config.guard === undefined ? undefined : nameOf(config.guard),
    to: config.target === undefined ? undefined : resolve(config.target, node, nodes),
    actions: many(config.actions).map(nameOf),
  };
}

function resolve(target: string, from: Node, nodes: readonly Node[]): string {
  if (target.startsWith(".")) return join(from.path, target.slice(1));
  if (!target.startsWith("#")) return join(from.parent ?? "", target);
  const id = target.slice(1);
  return nodes.find((node) => node.config.id === id)?.path ?? id;
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** What a function of a machine is called: `isUp and isTired` for what `and` has made. */
export function nameOfFunction({ name, guards }: Combined): string {
  if (guards === undefined) return name || "inline";
  const word = /^(and|or|not)/.exec(name)?.[1] ?? "and";
  const names = guards.map(nameOf);
  return word === "not" ? `not ${names.join(" ")}` : names.join(` ${word} `);
}

function nameOf(named: Named): string {
  if (typeof named === "string") return named;
  if (typeof named === "function") return nameOfFunction(named);
  const params = Object.values(named.params ?? {}).join(", ");
  return params === "" ? named.type : `${named.type}(${params})`;
}

function many<T>(value: Many<T> | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as T];
}
