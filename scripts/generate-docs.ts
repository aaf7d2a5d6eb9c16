// Writes docs/configuration.md, docs/errors.md and docs/schemas/*.json from the sources they describe.
// test/config/docs.test.ts fails while they are stale: run `npx tsx scripts/generate-docs.ts`.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { allRows, type Row } from "../src/config/variables.ts";
import { FLOW_PROBLEM_CODES } from "../src/domain/flow-codes.ts";
import { HTTP_CODES } from "../src/http/problem.ts";
import type { MessageCodec } from "../src/messages/codec.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const GENERATED = "<!-- Written by scripts/generate-docs.ts; edit its sources instead. -->";

/** Path from the root of the repository to the text that belongs there. */
export async function generatedDocs(): Promise<ReadonlyMap<string, string>> {
  const docs = new Map([
    ["docs/configuration.md", configurationDoc()],
    ["docs/errors.md", errorsDoc()],
  ]);
  for (const { name, jsonSchema } of await messageCodecs()) {
    const path = `docs/schemas/${name.replaceAll(" ", "-")}.json`;
    docs.set(path, `${JSON.stringify({ title: name, ...jsonSchema }, null, 2)}\n`);
  }
  return docs;
}

/** Every codec that a file of src/messages exports, by name. */
async function messageCodecs(): Promise<readonly MessageCodec<unknown>[]> {
  const dir = join(root, "src/messages");
  const files = readdirSync(dir).filter((file) => file.endsWith(".ts"));
  const modules = await Promise.all(
    files.map(async (file): Promise<object> => import(pathToFileURL(join(dir, file)).href)),
  );
  const codecs = modules.flatMap((each) => Object.values(each)).filter(isCodec);
  return codecs.sort((a, b) => a.name.localeCompare(b.name));
}

function isCodec(value: unknown): value is MessageCodec<unknown> {
  return typeof value === "object" && value !== null && "jsonSchema" in value && "decode" in value;
}

function configurationDoc(): string {
  const topics = [...new Set(allRows().map(({ topic }) => topic))];
  const sections = topics.map((topic) => {
    const rows = allRows().filter((row) => row.topic === topic);
    return `## ${topic}\n\n${table(["Setting", "Default", "Accepts", "Meaning"], rows.map(settingCells))}`;
  });
  return `${CONFIGURATION_INTRO}\n${sections.join("\n\n")}\n`;
}

function settingCells({ variable }: Row): readonly string[] {
  const { name, alias, kind, meaning, secret } = variable;
  return [
    alias === undefined ? `\`${name}\`` : `\`${name}\` or \`${alias}\``,
    defaultOf(variable.default),
    kind.accepts,
    secret === true ? `${meaning} Also as \`${name}_FILE\`.` : meaning,
  ];
}

function defaultOf(text: string | undefined): string {
  if (text === undefined) return "unset";
  return text === "" ? "empty" : `\`${text}\``;
}

const CONFIGURATION_INTRO = `# Configuration

${GENERATED}

Settings are read from the environment; command line flags win over it. Nothing has to be set: \`batuta dev\` runs without.

- An empty variable counts as unset.
- An unknown \`BATUTA_*\` name is an error that names the nearest one; all errors are told at once, before anything starts.
- Durations are written like \`500ms\`, \`15s\`, \`2m\`, \`1h\`; a plain number is milliseconds. Sizes are written like \`512KiB\`, \`1MiB\`; a plain number is bytes.
- Where two names stand in one row, the second is read where the first is not set.
- \`batuta config\` prints every value and where it comes from, without secrets.
`;

function errorsDoc(): string {
  const classes = errorClasses().map(({ code, name, retryable, meaning }) => [
    `\`${code}\``,
    name,
    retryable,
    meaning,
  ]);
  const http = Object.entries(HTTP_CODES).map(([code, { status, title }]) => [
    String(status),
    `\`${code}\``,
    title,
  ]);
  return `${ERRORS_INTRO}
## Errors that Batuta throws

${table(["Code", "Class", "Retryable", "Meaning"], classes)}

## Codes of failed executions

The \`error.code\` of a result, beside those that node types and their authors choose (\`NodeError\`, node type \`fail\`).

${codeTable(EXECUTION_CODES)}

## Codes of problems

Each entry of \`problems\` (in HTTP answers: \`errors\`) has \`code\`, \`pointer\` (a JSON Pointer to the value at fault), \`detail\` and sometimes \`hint\`.

${codeTable({ ...FLOW_PROBLEM_CODES, ...OTHER_PROBLEM_CODES })}

## HTTP

Answers that are no success are \`application/problem+json\` (RFC 9457) with \`type\` = \`urn:batuta:error:<code>\`.

${table(["Status", "Code", "Title"], http)}
`;
}

const ERRORS_INTRO = `# Errors

${GENERATED}

Codes are stable; messages are for people and may change. \`retryable\` tells whether the same call may succeed later without a change of its input.
`;

/** Codes that a result may carry though no node type chose them. */
export const EXECUTION_CODES: Readonly<Record<string, string>> = {
  BAD_RESPONSE: "a response says that it is JSON and is not",
  CANCELLED: "the execution was cancelled; the message says why",
  CONFIG: "the config of a node, with its templates filled in, does not fit the node type",
  EXPRESSION: "an expression or template failed on the values it met",
  INPUTS: "the inputs of the execution do not fit the schema of its flow",
  INTERNAL: "a node threw something that is no NodeError, or a worker reported no reason",
  INVALID: "the message is not a flow execution; `problems` of its dead letter names every field",
  LIMIT: "the flow ran more nodes than `settings.maxNodeRuns` allows",
  MERGE: "what arrived at a merge node cannot be merged in its mode",
  NOT_A_LIST: "a node that works on items was given something else",
  OUTPUT_TOO_LARGE: "an output or a response body is larger than allowed",
  RESULT_REFUSED: "the result stream does not take the record, however often it is sent",
  WORKER_LOST: "the worker that ran it is gone; it is tried again elsewhere",
  WORKER_LEFT: "the worker that ran it left before it was done; it is tried again elsewhere",
};

/** Codes of problems outside flows: requests, messages, settings. */
export const OTHER_PROBLEM_CODES: Readonly<Record<string, string>> = {
  E_NOT_JSON: "the body is empty, not UTF-8 or not JSON",
  E_HEADERS: "the headers of the message cannot be read",
  E_TOO_LARGE:
    "the message is larger than BATUTA_TASK_MAX_PAYLOAD_BYTES, or its headers than 8 KiB",
  E_DEADLINE: "the deadline had passed before the execution could start",
  E_ID: "an id in the path of a request cannot be one",
  E_QUERY: "a value in the query of a request is not accepted",
  E_IDEMPOTENCY_KEY: "the Idempotency-Key header is no id, or contradicts the executionId",
  E_FILTER: "a filter, cursor or limit of dead letters does not fit; what it accepts is told",
  E_SELECTION: "nothing was selected, or in several ways; how to select is told",
  E_WAIT: "?wait= is no duration",
  E_SCALING: "what is wanted of scaling contradicts itself or the limits",
  E_CONFIG_UNKNOWN: "a BATUTA_ variable is not a setting; the nearest name is told",
  E_CONFIG_VALUE: "the value of a setting does not fit; what it accepts is told",
  E_CONFIG_RULE: "two settings contradict each other",
};

interface ErrorClass {
  readonly code: string;
  readonly name: string;
  readonly retryable: string;
  readonly meaning: string;
}

const ERROR_CLASS =
  /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export class (\w+) extends \w*Error \{[^}]*?readonly code = "(\w+)";\s*readonly retryable = (true|false);/g;

/** Every class of an error with a code of its own, found in the sources with its doc comment. */
function errorClasses(): readonly ErrorClass[] {
  const found = sourceTexts().flatMap((text) => [...text.matchAll(ERROR_CLASS)]);
  const classes = found.map(([, doc = "", name = "", code = "", retryable = ""]) => {
    const meaning = doc.replace(/\s*\n?\s*\* ?/g, " ").trim();
    return { code, name, retryable: retryable === "true" ? "yes" : "no", meaning };
  });
  return classes.sort((a, b) => a.code.localeCompare(b.code));
}

/** The text of every file in src. */
export function sourceTexts(): readonly string[] {
  const src = join(root, "src");
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).sort();
  return files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join(src, file), "utf8"));
}

function codeTable(codes: Readonly<Record<string, string>>): string {
  return table(
    ["Code", "Meaning"],
    Object.entries(codes).map(([code, meaning]) => [`\`${code}\``, meaning]),
  );
}

/** A Markdown table with its columns aligned, as the formatter wants them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) =>
    Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  const [first = [], ...rest] = cells;
  return [line(first), rule, ...rest.map(line)].join("\n");
}

async function writeAll(): Promise<void> {
  const docs = await generatedDocs();
  const schemas = join(root, "docs/schemas");
  rmSync(schemas, { recursive: true, force: true });
  mkdirSync(schemas, { recursive: true });
  for (const [path, text] of docs) writeFileSync(join(root, path), text);
  console.log(
    `wrote ${docs.size} files: ${[...docs.keys()].map((path) => basename(path)).join(", ")}`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeAll();
