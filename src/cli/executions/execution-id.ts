import { InvalidInputError, NotFoundError } from "../../domain/errors.ts";
import { isId } from "../../domain/ids.ts";

/** @throws InvalidInputError when no execution can have this id: it becomes part of a subject. */
export function checkExecutionId(id: string): void {
  if (isId(id)) return;
  const given = JSON.stringify(id);
  throw new InvalidInputError(`${given} is no executionId: 1 to 128 of A-Z a-z 0-9 _ -`);
}

export function noSuchExecution(id: string): NotFoundError {
  return new NotFoundError(
    `there is no execution ${id}: no lane holds it, and results are kept for 24 hours (\`batuta executions ls\`)`,
  );
}
