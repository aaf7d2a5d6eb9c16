import {
  DEAD_LETTER_REASONS,
  type DeadLetterReason,
  type DeadLetterSummary,
} from "./dead-letter.ts";
import type { Problem } from "./errors.ts";
import { ID_PATTERN, isId } from "./ids.ts";
import { isLane, LANES, type Lane } from "./lane.ts";

/** Which dead letters are meant: those that fulfil all that is given. Without anything, all. */
export interface DeadLetterFilter {
  readonly lane?: Lane;
  readonly reason?: DeadLetterReason;
  readonly flowId?: string;
  readonly executionId?: string;
  /** Given up at this instant or later, epoch milliseconds. */
  readonly since?: number;
  /** Given up before this instant, epoch milliseconds. */
  readonly until?: number;
}

export const FILTER_FIELDS = [
  "lane",
  "reason",
  "flowId",
  "executionId",
  "since",
  "until",
] as const satisfies readonly (keyof DeadLetterFilter)[];

/** A filter as people write it: every value a text. */
export type FilterTexts = { readonly [Field in keyof DeadLetterFilter]?: string | undefined };

/** Which letters to act on: these executions, those that fit, or every one. */
export type DeadLetterSelection =
  | { readonly executionIds: readonly string[] }
  | { readonly filter: DeadLetterFilter };

export function matchesFilter(
  letter: Pick<DeadLetterSummary, "lane" | "reason" | "flowId" | "executionId" | "deadAt">,
  filter: DeadLetterFilter,
): boolean {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = filter;
  const diedAt = Date.parse(letter.deadAt);
  const equal = (["lane", "reason", "flowId", "executionId"] as const).every(
    (field) => filter[field] === undefined || filter[field] === letter[field],
  );
  return equal && diedAt >= since && diedAt < until;
}

/**
 * Reads a filter. Instants are ISO 8601 or how long ago: "90s", "15m", "2h", "7d" before `now`
 * (epoch milliseconds). Problems name every value at fault; their pointer is the field.
 */
export function parseFilter(
  texts: FilterTexts,
  now: number,
): { readonly filter: DeadLetterFilter; readonly problems: readonly Problem[] } {
  const filter: Record<string, string | number> = {};
  const problems: Problem[] = [];
  for (const field of FILTER_FIELDS) {
    const text = texts[field];
    if (text === undefined) continue;
    const value = READERS[field](text, now);
    if (value === undefined) problems.push(badValue(field, text));
    else filter[field] = value;
  }
  return { filter: filter as DeadLetterFilter, problems };
}

type Reader = (text: string, now: number) => string | number | undefined;

const idOrNothing: Reader = (text) => (isId(text) ? text : undefined);

const READERS: Readonly<Record<keyof DeadLetterFilter, Reader>> = {
  lane: (text) => (isLane(text) ? text : undefined),
  reason: (text) => DEAD_LETTER_REASONS.find((reason) => reason === text),
  flowId: idOrNothing,
  executionId: idOrNothing,
  since: instantOf,
  until: instantOf,
};

const ACCEPTS: Readonly<Record<keyof DeadLetterFilter, string>> = {
  lane: LANES.join(", "),
  reason: DEAD_LETTER_REASONS.join(", "),
  flowId: ID_PATTERN,
  executionId: ID_PATTERN,
  since: "an instant like 2026-01-31T08:00:00Z, or how long ago: 90s, 15m, 2h, 7d",
  until: "an instant like 2026-01-31T08:00:00Z, or how long ago: 90s, 15m, 2h, 7d",
};

function badValue(field: keyof DeadLetterFilter, text: string): Problem {
  const detail = `${JSON.stringify(text)} is no ${field}; it accepts ${ACCEPTS[field]}`;
  return { code: "E_FILTER", pointer: `/${field}`, detail };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Without an offset an instant would mean another one on each machine, so such a text is refused. */
const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

function instantOf(text: string, now: number): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined) return now - Number(amount) * (UNIT_MS[unit] ?? 0);
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
