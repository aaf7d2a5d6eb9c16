import type { DeadLetterAction, DeadLetterPage } from "../domain/dead-letter.ts";
import {
  type DeadLetterFilter,
  type DeadLetterSelection,
  FILTER_FIELDS,
  type FilterTexts,
  parseFilter,
} from "../domain/dead-letter-filter.ts";
import { InvalidInputError, NotFoundError, type Problem } from "../domain/errors.ts";
import { ID_PATTERN, isId } from "../domain/ids.ts";
import { deadLetterRequest } from "../messages/dead-letter-request.ts";
import type { StoredDeadLetter } from "../messages/result.ts";
import { readJson } from "./body.ts";
import type { Call, Reply, Route } from "./call.ts";

/** What the HTTP API needs of the dead letters. Each method may throw UnreachableError. */
export interface DeadLetterPort {
  /** Oldest first, after the letter at `cursor`. */
  deadLetters(filter: DeadLetterFilter, cursor: number, limit: number): Promise<DeadLetterPage>;
  /** The newest of an execution with its original, undefined when it has none. */
  deadLetter(executionId: string): Promise<StoredDeadLetter | undefined>;
  replayDeadLetters(which: DeadLetterSelection, dryRun: boolean): Promise<DeadLetterAction[]>;
  purgeDeadLetters(which: DeadLetterSelection, dryRun: boolean): Promise<DeadLetterAction[]>;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;

export function deadLetterRoutes(port: DeadLetterPort): readonly Route[] {
  return [
    { method: "GET", path: "/dead-letters", handle: (call) => list(port, call) },
    { method: "GET", path: "/dead-letters/:id", handle: (call) => one(port, call.param("id")) },
    {
      method: "POST",
      path: "/dead-letters/replay",
      handle: (call) => act(call, (which, dryRun) => port.replayDeadLetters(which, dryRun)),
    },
    {
      method: "POST",
      path: "/dead-letters/purge",
      handle: (call) => act(call, (which, dryRun) => port.purgeDeadLetters(which, dryRun)),
    },
  ];
}

async function list(port: DeadLetterPort, call: Call): Promise<Reply> {
  const texts = Object.fromEntries(FILTER_FIELDS.map((field) => [field, call.query(field)]));
  const { filter, problems } = parseFilter(texts, Date.now());
  const cursor = countIn(call, "cursor", 0, Number.MAX_SAFE_INTEGER, 0);
  const limit = countIn(call, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT);
  refuse([...problems, ...cursor.problems, ...limit.problems]);
  return { status: 200, body: await port.deadLetters(filter, cursor.value, limit.value) };
}

async function one(port: DeadLetterPort, id: string): Promise<Reply> {
  if (!isId(id)) {
    const detail = `the id of an execution must match ${ID_PATTERN}`;
    throw invalid([{ code: "E_ID", pointer: "", detail }]);
  }
  const letter = await port.deadLetter(id);
  if (letter === undefined) throw new NotFoundError(`execution ${id} has no dead letter`);
  return { status: 200, body: letter };
}

type Act = (which: DeadLetterSelection, dryRun: boolean) => Promise<DeadLetterAction[]>;

async function act(call: Call, doIt: Act): Promise<Reply> {
  const request = deadLetterRequest.decode(await readJson(call));
  const { executionIds, filter, all, dryRun = false } = request;
  const which = selectionOf(executionIds, filter, all);
  return { status: 200, body: { dryRun, deadLetters: await doIt(which, dryRun) } };
}

const SELECT =
  'select with one of {"executionIds": ["…"]}, {"filter": {"lane": "…", "reason": "…", "flowId": "…", "since": "…", "until": "…"}} and {"all": true}';

/** An empty filter would be everything, which has to be said in so many words. */
function selectionOf(
  executionIds: readonly string[] | undefined,
  texts: FilterTexts | undefined,
  all: true | undefined,
): DeadLetterSelection {
  const ways = [executionIds, texts, all].filter((way) => way !== undefined).length;
  if (ways !== 1 || (texts !== undefined && Object.keys(texts).length === 0))
    throw invalid([{ code: "E_SELECTION", pointer: "", detail: SELECT }]);
  if (executionIds !== undefined) return { executionIds };
  const { filter, problems } = parseFilter(texts ?? {}, Date.now());
  refuse(problems.map((each) => ({ ...each, pointer: `/filter${each.pointer}` })));
  return { filter };
}

function countIn(call: Call, name: string, min: number, max: number, otherwise: number) {
  const text = call.query(name);
  if (text === undefined) return { value: otherwise, problems: [] };
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return { value, problems: [] };
  const detail = `?${name}=${text} is no whole number from ${min} to ${max}`;
  return { value, problems: [{ code: "E_FILTER", pointer: `/${name}`, detail }] };
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw invalid(problems);
}

function invalid(problems: readonly Problem[]): InvalidInputError {
  return new InvalidInputError(problems.map(({ detail }) => detail).join("; "), { problems });
}
