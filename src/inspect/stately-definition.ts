import { type Chart, chartOf } from "../domain/chart.ts";
import { InvalidInputError } from "../domain/errors.ts";
import type { MachineDefinition } from "../messages/inspection.ts";
import { hashOf } from "./definition.ts";
import { objectIn } from "./stately-frames.ts";

const MAX_DEFINITION_CHARS = 262_144;
const MAX_STATES = 500;
const MAX_EDGES = 5_000;
const MAX_ID_CHARS = 128;

/**
 * The machine that a producer's `definition` tells of.
 *
 * @throws InvalidInputError when it is no machine, or one too large to draw.
 */
export function definitionOf(text: string): MachineDefinition {
  if (text.length > MAX_DEFINITION_CHARS)
    throw new InvalidInputError("the definition is too large");
  const config = objectIn(text);
  const id = typeof config.id === "string" ? config.id.slice(0, MAX_ID_CHARS) : "machine";
  return machineOf(id, config, checkedChart(id, config));
}

/** For what has no definition, or none that can be used: a name and no states. */
export function plainDefinition(): MachineDefinition {
  const config = { id: "actor" };
  return machineOf(config.id, config, chartOf({ id: config.id, config }));
}

function machineOf(id: string, config: object, chart: Chart): MachineDefinition {
  return { v: 1, hash: hashOf(config), id, config, chart };
}

function checkedChart(id: string, config: object): Chart {
  if (countStates(config) > MAX_STATES) throw new InvalidInputError("it has too many states");
  let chart: Chart;
  try {
    chart = chartOf({ id, config });
  } catch (cause) {
    throw new InvalidInputError("the definition is no machine", { cause });
  }
  if (chart.edges.length > MAX_EDGES) throw new InvalidInputError("it has too many transitions");
  if (!isDrawable(chart)) throw new InvalidInputError("the definition is no machine");
  return chart;
}

/** Before anything walks them: what stands in for states may be anything. */
function countStates(config: object): number {
  let count = 0;
  const open: unknown[] = [config];
  for (let each = open.pop(); each !== undefined && count <= MAX_STATES; each = open.pop()) {
    count += 1;
    const { states } = (each ?? {}) as { readonly states?: unknown };
    if (typeof states === "object" && states !== null) open.push(...Object.values(states));
  }
  return count;
}

/** Whether all that is to be text is: a chart made from a stranger's JSON can hold what types rule out. */
function isDrawable({ states, edges }: Chart): boolean {
  const texts = [
    ...states.flatMap(({ initial, tags, entry, exit }) => [initial, ...tags, ...entry, ...exit]),
    ...edges.flatMap(({ name, guard, to, actions }) => [name, guard, to, ...actions]),
  ];
  return texts.every((text) => text === undefined || typeof text === "string");
}
