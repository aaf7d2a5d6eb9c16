import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { Problem } from "../domain/errors.ts";
import { compilePattern } from "./expressions/regex.ts";
import { permanentError } from "./safe-error.ts";

/** Checks the inputs of an execution. @throws NodeError INPUTS, not retryable. */
export type InputCheck = (inputs: unknown) => void;

/** Knows what a JSON Schema is; compiling that takes longer than a whole flow, so it is done once. */
let metaSchemas: Ajv2020 | undefined;

/**
 * The check that `flowData.inputs`, a JSON Schema 2020-12, describes; a problem where it is none.
 * Patterns run on RE2, so that a hostile text cannot hang a worker.
 */
export function compileInputs(
  schema: Readonly<Record<string, unknown>>,
): { readonly check: InputCheck } | { readonly problem: Problem } {
  const { $schema: _, ...known } = schema;
  try {
    metaSchemas ??= new Ajv2020({ strict: false });
    if (!metaSchemas.validateSchema(known)) throw new Error(metaSchemas.errorsText());
    if (Object.hasOwn(known, "$async")) throw new Error("$async schemas are not supported");
    const validate = newAjv().compile(known);
    return { check: (inputs) => checkInputs(validate, inputs) };
  } catch (thrown) {
    const detail = `not a JSON Schema that can be used: ${(thrown as Error).message}`;
    return { problem: { code: "E_SCHEMA", pointer: "/inputs", detail } };
  }
}

/** One per schema: an instance keeps every schema it has seen and mixes up their ids. */
function newAjv(): Ajv2020 {
  const regExp = Object.assign((pattern: string) => compilePattern(pattern), { code: "re2" });
  const options = { strict: false, validateFormats: false, meta: false, validateSchema: false };
  return new Ajv2020({ ...options, code: { regExp } });
}

function checkInputs(validate: ValidateFunction, inputs: unknown): void {
  if (isValid(validate, inputs)) return;
  const [first] = validate.errors ?? [];
  const where = `inputs${first?.instancePath ?? ""}`;
  throw permanentError("INPUTS", `${where} ${first?.message ?? "cannot be checked"}`);
}

/** Inputs nested too deep for the stack are not valid either. */
function isValid(validate: ValidateFunction, inputs: unknown): boolean {
  try {
    return validate(inputs);
  } catch {
    return false;
  }
}
