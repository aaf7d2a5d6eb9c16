import { ProvisionError } from "./provisioner.ts";

/** Labels that all containers of one fleet have, and no others. */
export type Marks = Readonly<Record<string, string>>;

/** One container of the fleet, as the engine tells of it. */
export interface Container {
  readonly id: string;
  /** The worker's id. */
  readonly name: string;
  /** created, running, paused, restarting, removing, exited or dead. */
  readonly state: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Null while it runs, and where the engine does not say. */
  readonly exitCode: number | null;
}

/** A container of the fleet has ended. */
export interface ContainerDeath {
  readonly id: string;
  readonly exitCode: number | null;
}

/** So many containers that failed are kept, for `docker logs`. */
const KEPT_FAILED = 3;

const OVER = new Set(["exited", "dead", "removing"]);

/** A state that nobody knows counts as alive: better one worker too few than one too many for ever. */
export function isAlive({ state }: Container): boolean {
  return !OVER.has(state);
}

/** Those that have ended and are of no more use: all without a fault, and all but the last few that failed. */
export function spent(containers: readonly Container[]): readonly Container[] {
  const over = containers.filter(({ state }) => state === "exited" || state === "dead");
  const failed = over
    .filter(({ exitCode }) => exitCode !== 0)
    .sort((one, other) => other.createdAt - one.createdAt);
  const kept = new Set(failed.slice(0, KEPT_FAILED));
  return over.filter((container) => !kept.has(container));
}

/**
 * The containers of this fleet in an answer of the engine, each once. Those of others are left out, as
 * the engine's own filter is not to be relied on when it comes to stopping them.
 *
 * @throws ProvisionError when they cannot be told apart, let alone counted.
 */
export function containersFrom(text: string, marks: Marks): readonly Container[] {
  const listed = parsed(text);
  if (!Array.isArray(listed)) throw lie("its list of containers is no list");
  const own = listed.map(record).filter(({ Labels }) => isMarked(Labels, marks));
  const byName = new Map(own.map(container).map((each) => [each.name, each]));
  return [...new Map([...byName.values()].map((each) => [each.id, each])).values()];
}

/** Who has died by a line of the engine's events; undefined where nobody of the fleet has. */
export function deathIn(line: string, marks: Marks): ContainerDeath | undefined {
  const { Type, Action, Actor } = record(parsed(line));
  const { ID, Attributes } = record(Actor);
  if (Type !== "container" || Action !== "die" || typeof ID !== "string") return undefined;
  return isMarked(Attributes, marks)
    ? { id: ID, exitCode: codeIn(record(Attributes).exitCode) }
    : undefined;
}

/** Whether the engine's answer to a question for one container says that it runs. */
export function runsBy(text: string): boolean {
  return record(record(parsed(text)).State).Running === true;
}

/** The field `field` of an answer, as a text. @throws ProvisionError when it is none. */
export function textIn(text: string, field: string): string {
  const value = record(parsed(text))[field];
  if (typeof value !== "string" || value === "") throw lie(`its answer has no ${field}`);
  return value;
}

function container({ Id, Names, State, Status, Created }: Record<string, unknown>): Container {
  const [name] = Array.isArray(Names) ? Names : [];
  if (typeof Id !== "string" || Id === "") throw lie("it lists a container without an id");
  if (typeof name !== "string")
    throw lie(`it lists the container ${Id.slice(0, 12)} without a name`);
  if (typeof State !== "string" || typeof Created !== "number")
    throw lie(`it lists the container ${name} without its state or its time`);
  const [, code] = /^Exited \((\d+)\)/.exec(String(Status)) ?? [];
  const createdAt = Created * 1_000;
  return { id: Id, name: name.replace(/^\//, ""), state: State, createdAt, exitCode: codeIn(code) };
}

function codeIn(text: unknown): number | null {
  return typeof text === "string" && /^\d{1,3}$/.test(text) ? Number(text) : null;
}

function isMarked(labels: unknown, marks: Marks): boolean {
  const found = record(labels);
  return Object.entries(marks).every(([key, value]) => found[key] === value);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw lie(`it answers what is no JSON: ${text.slice(0, 80)}`, cause);
  }
}

function lie(what: string, cause?: unknown): ProvisionError {
  return new ProvisionError(`the Docker engine is not to be believed: ${what}`, { cause });
}
