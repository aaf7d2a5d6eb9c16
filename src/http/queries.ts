import { InvalidInputError } from "../domain/errors.ts";
import { ID_PATTERN, isId } from "../domain/ids.ts";
import type { Call } from "./call.ts";

/** The id of the execution that the path names. @throws InvalidInputError when it cannot be one. */
export function executionIdOf(call: Call): string {
  const id = call.param("id");
  if (isId(id)) return id;
  const detail = `the id of an execution must match ${ID_PATTERN}`;
  throw new InvalidInputError(detail, { problems: [{ code: "E_ID", pointer: "", detail }] });
}

export function badQuery(name: string, accepted: string, given: string): InvalidInputError {
  const detail = `?${name}= accepts ${accepted}, not ${JSON.stringify(given.slice(0, 64))}`;
  return new InvalidInputError(detail, { problems: [{ code: "E_QUERY", pointer: "", detail }] });
}
