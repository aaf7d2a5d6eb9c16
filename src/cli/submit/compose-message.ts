import { InvalidInputError, type Problem } from "../../domain/errors.ts";
import type { Lane } from "../../domain/lane.ts";
import { parseJson } from "../../messages/codec.ts";
import { type ExecuteMessage, executeMessage } from "../../messages/execute.ts";

export interface ComposeOptions {
  readonly lane?: Lane | undefined;
  readonly executionId?: string | undefined;
  readonly flowId?: string | undefined;
  /** `k=v` each; v is JSON where it parses as JSON, else text. They win over inputs of the file. */
  readonly input: readonly string[];
}

/** A message to publish, and how to name places in the file that it came from. */
export interface Composed {
  readonly message: ExecuteMessage & { readonly executionId: string };
  readonly lane: Lane;
  readonly inFile: (problems: readonly Problem[]) => readonly Problem[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The execution that a file asks for: either the whole message `{flowId, flowData, inputs …}` or the
 * flow alone, `{name, version, nodes …}`. `newId` gives an executionId where nothing names one.
 *
 * @throws InvalidInputError with every problem, pointing into the file.
 */
export function composeMessage(
  text: string,
  options: ComposeOptions,
  newId: () => string,
): Composed {
  const given = parseJson(new TextEncoder().encode(text), "the flow");
  if (!isObject(given)) throw new InvalidInputError("the flow: a JSON object is expected");
  const isWhole = "flowData" in given;
  if (!isWhole && !("nodes" in given)) throw neitherForm(given);
  const inFile = (problems: readonly Problem[]) => (isWhole ? problems : problems.map(withoutRoot));
  const message = withFlags(isWhole ? given : { flowData: given }, options, newId);
  const problems = executeMessage.problems(message);
  if (problems.length > 0) throw invalidFlow(inFile(problems));
  const checked = message as Composed["message"];
  return { message: checked, lane: checked.priority ?? "normal", inFile };
}

export function invalidFlow(problems: readonly Problem[]): InvalidInputError {
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  return new InvalidInputError(`the flow has ${count}; nothing was published`, { problems });
}

function withFlags(message: Fields, options: ComposeOptions, newId: () => string): Fields {
  const { lane, executionId, flowId, input } = options;
  const inputs = inputsOf(message.inputs, input);
  return {
    ...message,
    flowId: flowId ?? message.flowId ?? flowIdOf(message.flowData),
    executionId: executionId ?? message.executionId ?? newId(),
    ...(lane === undefined ? {} : { priority: lane }),
    ...(inputs === undefined ? {} : { inputs }),
  };
}

function inputsOf(given: unknown, pairs: readonly string[]): unknown {
  if (pairs.length === 0) return given;
  if (given !== undefined && !isObject(given)) {
    throw new InvalidInputError(
      "--input adds to inputs that are an object; those of the file are not",
    );
  }
  return { ...given, ...Object.fromEntries(pairs.map(parsePair)) };
}

function parsePair(pair: string): readonly [string, unknown] {
  const at = pair.indexOf("=");
  if (at < 1) {
    const text = `--input: ${JSON.stringify(pair)} does not fit; it accepts name=value`;
    throw new InvalidInputError(text);
  }
  return [pair.slice(0, at), parseValue(pair.slice(at + 1))];
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The flow's name as an id; where it has none the schema tells. */
function flowIdOf(flowData: unknown): string | undefined {
  const name = isObject(flowData) ? flowData.name : undefined;
  if (typeof name !== "string") return "flow";
  return name.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 128) || "flow";
}

function withoutRoot(problem: Problem): Problem {
  return { ...problem, pointer: problem.pointer.replace(/^\/flowData/, "") };
}

function neitherForm(given: Fields): InvalidInputError {
  const found = Object.keys(given).slice(0, 8).join(", ") || "nothing";
  return new InvalidInputError(
    "the flow: expected {name, version, nodes, …} or a whole message {flowId, flowData, inputs, …}; " +
      `found the fields: ${found}`,
  );
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
