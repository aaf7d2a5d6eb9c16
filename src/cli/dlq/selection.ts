import {
  type DeadLetterFilter,
  type DeadLetterSelection,
  parseFilter,
} from "../../domain/dead-letter-filter.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { isId } from "../../domain/ids.ts";

/** The flags that choose dead letters, as commander hands them over. */
export interface FilterFlags {
  readonly lane?: string;
  readonly reason?: string;
  readonly flow?: string;
  readonly since?: string;
  readonly until?: string;
}

/** @throws InvalidInputError that names every flag whose value does not fit. */
export function filterOf(flags: FilterFlags, now: number): DeadLetterFilter {
  const { lane, reason, flow, since, until } = flags;
  const { filter, problems } = parseFilter({ lane, reason, flowId: flow, since, until }, now);
  if (problems.length === 0) return filter;
  throw new InvalidInputError(problems.map(({ detail }) => detail).join("; "));
}

/**
 * What a command is to act on: ids, what fits the flags, or all; exactly one of them.
 *
 * @throws InvalidInputError that says how to select.
 */
export function selectionOf(
  command: string,
  ids: readonly string[],
  flags: FilterFlags & { readonly all: boolean },
  now: number,
): DeadLetterSelection {
  const filter = filterOf(flags, now);
  const isFiltered = Object.keys(filter).length > 0;
  if ([ids.length > 0, isFiltered, flags.all].filter(Boolean).length !== 1) {
    throw new InvalidInputError(
      `select either by ids (\`batuta dlq ${command} ID…\`), by --lane, --reason, --flow, --since, --until, or with --all`,
    );
  }
  if (ids.length === 0) return { filter };
  for (const id of ids) checkId(id);
  return { executionIds: ids };
}

/** @throws InvalidInputError when it cannot be an executionId. */
export function checkId(id: string): void {
  if (isId(id)) return;
  throw new InvalidInputError(
    `${JSON.stringify(id)} is no executionId; it accepts 1 to 128 of A-Z a-z 0-9 _ -`,
  );
}
