import { InvalidInputError } from "../domain/errors.ts";
import type { ActorRecord, ActorStateValue } from "../messages/inspection.ts";
import { refuseDeepJson } from "../messages/json-depth.ts";

/** What a stock producer says, as far as it was well-formed. */
export interface ProducerFrame {
  readonly type: "@xstate.actor" | "@xstate.event" | "@xstate.snapshot";
  readonly sessionId: string;
  readonly name: string | undefined;
  readonly parentId: string | undefined;
  readonly sourceId: string | undefined;
  readonly definition: string | undefined;
  readonly event: { readonly type: string; readonly [field: string]: unknown } | undefined;
  readonly snapshot: ProducerSnapshot | undefined;
}

export interface ProducerSnapshot {
  readonly status: ActorRecord["status"];
  readonly value: ActorStateValue;
  readonly state: string;
  readonly tags: readonly string[];
  readonly context: unknown;
  readonly output: unknown;
  readonly error: string | undefined;
}

const TYPES = ["@xstate.actor", "@xstate.event", "@xstate.snapshot"] as const;
const MAX_ID_CHARS = 512;
const MAX_TYPE_CHARS = 512;
const MAX_TAGS = 32;
const MAX_STATE_CHARS = 1_024;
const MAX_REGIONS = 64;
const MAX_LEVELS = 32;

/** @throws InvalidInputError when it is none that can be used. */
export function readFrame(text: string): ProducerFrame {
  const fields = objectIn(text);
  const type = TYPES.find((each) => each === fields.type);
  const { sessionId } = fields;
  if (type === undefined) throw new InvalidInputError("the type is none of the protocol");
  if (!isShort(sessionId)) throw new InvalidInputError("the sessionId is no short text");
  const snapshot = isObject(fields.snapshot) ? snapshotOf(fields.snapshot) : undefined;
  if (type !== "@xstate.event" && snapshot === undefined)
    throw new InvalidInputError("the snapshot is no object");
  return {
    type,
    sessionId,
    snapshot,
    name: shortOf(fields.name),
    parentId: shortOf(fields.parentId),
    sourceId: shortOf(fields.sourceId),
    definition: typeof fields.definition === "string" ? fields.definition : undefined,
    event: eventOf(fields.event),
  };
}

/** The object that a text holds. @throws InvalidInputError when it holds none, or one that is too deep. */
export function objectIn(text: string): Readonly<Record<string, unknown>> {
  refuseDeepJson(Buffer.from(text));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidInputError("not JSON", { cause });
  }
  if (!isObject(value)) throw new InvalidInputError("not an object");
  return value;
}

function snapshotOf(fields: Readonly<Record<string, unknown>>): ProducerSnapshot {
  const { context, output } = fields;
  const status = STATUS[String(fields.status)] ?? "active";
  const value = isValue(fields.value) ? fields.value : String(fields.status ?? "active");
  const tags = Array.isArray(fields.tags) ? fields.tags.filter(isShort).slice(0, MAX_TAGS) : [];
  const error = fields.error === undefined ? undefined : errorText(fields.error);
  const state = textOf(value).slice(0, MAX_STATE_CHARS);
  return { status, value, state, tags, context, output, error };
}

const STATUS: Readonly<Record<string, ActorRecord["status"] | undefined>> = {
  active: "active",
  done: "done",
  stopped: "stopped",
  error: "faulted",
};

/** Small enough to be shown, whoever made it up. */
function isValue(value: unknown, level = 0): value is ActorStateValue {
  if (typeof value === "string") return value.length <= MAX_STATE_CHARS;
  if (!isObject(value) || level > MAX_LEVELS) return false;
  const regions = Object.entries(value);
  return (
    regions.length <= MAX_REGIONS &&
    regions.every(([key, each]) => isShort(key) && isValue(each, level + 1))
  );
}

/** "a.b c.d": regions side by side. */
function textOf(value: ActorStateValue): string {
  return pathsOf(value).join(" ");
}

function pathsOf(value: ActorStateValue): string[] {
  if (typeof value === "string") return [value];
  return Object.entries(value).flatMap(([key, below]) => {
    const paths = below === undefined ? [] : pathsOf(below);
    return paths.length === 0 ? [key] : paths.map((path) => `${key}.${path}`);
  });
}

function eventOf(value: unknown): ProducerFrame["event"] {
  if (!isObject(value)) return undefined;
  const { type } = value;
  if (typeof type !== "string" || type === "") return undefined;
  return { ...value, type: type.slice(0, MAX_TYPE_CHARS) };
}

function errorText(error: unknown): string {
  const text = isObject(error) ? error.message : error;
  return String(text ?? "an error").slice(0, MAX_STATE_CHARS);
}

function shortOf(value: unknown): string | undefined {
  return isShort(value) ? value : undefined;
}

function isShort(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_ID_CHARS;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
