import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { z } from "zod";
import { InvalidInputError, type Problem } from "../domain/errors.ts";
import { refuseDeepJson } from "./json-depth.ts";

/** The JSON Schema (2020-12) of what a peer may send: unknown fields are allowed (contract B1). */
export type JsonSchema = Record<string, unknown>;

/** One kind of message: how it is read, checked, written and published as JSON Schema. */
export interface MessageCodec<T> {
  readonly name: string;
  /** For docs/schemas and for peers in other languages. */
  readonly jsonSchema: JsonSchema;
  /** Checks a value that is already parsed; an empty list means that it is a T. */
  problems(value: unknown): readonly Problem[];
  /** @throws InvalidInputError when the bytes are not JSON or not a T; it names every field at fault. */
  decode(data: Uint8Array): T;
  encode(value: T): Uint8Array;
}

// 1e999 is JSON and becomes Infinity: no number that anything here could reckon with.
// The schemas are our own and tests check them: the schema of schemas, compiled, would take 0.6 MB of each process.
const ajv = new Ajv2020({
  meta: false,
  validateSchema: false,
  allErrors: true,
  strict: false,
  strictNumbers: true,
  validateFormats: false,
});
const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/**
 * A message authored in zod and checked by ajv compiled from its JSON Schema: one source, and about
 * 25 times the speed of zod's own parse on a flow message (research/ecosystem.md 1). Compiled at first use.
 */
export function defineMessage<S extends z.ZodType>(
  name: string,
  schema: S,
): MessageCodec<z.infer<S>> {
  type T = z.infer<S>;
  let jsonSchema: JsonSchema | undefined;
  let validate: ValidateFunction | undefined;
  const schemaOf = () => (jsonSchema ??= z.toJSONSchema(schema, { io: "input" }) as JsonSchema);
  const problems = (value: unknown): readonly Problem[] => {
    validate ??= ajv.compile(schemaOf());
    return validate(value) ? [] : (validate.errors ?? []).map(problemOf);
  };
  return {
    name,
    get jsonSchema() {
      return schemaOf();
    },
    problems,
    decode(data) {
      const value = parseJson(data, name);
      const found = problems(value);
      if (found.length > 0) throw invalid(name, found);
      return value as T;
    },
    encode: (value) => encoder.encode(JSON.stringify(value)),
  };
}

/** @throws InvalidInputError when the bytes are empty, not UTF-8, not JSON, or nested too deep to be passed on. */
export function parseJson(data: Uint8Array, what: string): unknown {
  if (data.length === 0) throw notJson(what, "the body is empty; a JSON object is expected");
  refuseDeepJson(data);
  try {
    return JSON.parse(utf8.decode(data));
  } catch (cause) {
    throw notJson(what, `the body is not JSON: ${(cause as Error).message}`, cause);
  }
}

export function invalid(what: string, problems: readonly Problem[]): InvalidInputError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  const where = first?.pointer ? `${first.pointer} ` : "";
  return new InvalidInputError(`${what}: ${where}${first?.detail ?? "invalid"}${more}`, {
    problems,
  });
}

function notJson(what: string, detail: string, cause?: unknown): InvalidInputError {
  const problems = [{ code: "E_NOT_JSON", pointer: "", detail }];
  return new InvalidInputError(`${what}: ${detail}`, { cause, problems });
}

function problemOf(error: ErrorObject): Problem {
  const missing = error.keyword === "required" ? `/${error.params.missingProperty}` : "";
  const allowed = error.keyword === "enum" ? `: ${JSON.stringify(error.params.allowedValues)}` : "";
  const detail = missing === "" ? `${error.message}${allowed}` : "is required";
  return { code: "E_SCHEMA", pointer: `${error.instancePath}${missing}`, detail };
}
