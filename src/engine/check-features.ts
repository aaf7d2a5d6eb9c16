import type { Problem } from "../domain/errors.ts";
import { pointerTo } from "../domain/flow-pointer.ts";
import { type FlowData, flowDataSchema, flowNodeSchema } from "../messages/flow-data.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Part of the contract, but not of this version: ignoring them would change what a flow does. */
const UNSUPPORTED_NODE_FIELDS: Readonly<Record<string, string>> = {
  forEach: "work through a list with data-map or data-filter",
  onUncertain: "an effect that may have happened fails the execution with code UNCERTAIN",
  credentials: "give the worker what it needs in its environment",
  timeout: "write timeoutMs",
  totalTimeout: "write timeoutMs and retry.maxAttempts",
};
const UNSUPPORTED_SETTINGS: Readonly<Record<string, string>> = {
  onFailure: "connect port error of the nodes that may fail",
  onFinally: "end the branches in one node with join settled",
  concurrency: "limit the publisher",
  timeout: "write timeoutMs",
};

/** Features that are refused, and fields that mean nothing. */
export function checkFeatures(data: FlowData): Problem[] {
  return [
    ...unsupported(data.settings ?? {}, "/settings", UNSUPPORTED_SETTINGS),
    ...data.nodes.flatMap((node, index) =>
      unsupported(node, `/nodes/${index}`, UNSUPPORTED_NODE_FIELDS),
    ),
    ...unknownFields(data, "", Object.keys(flowDataSchema.shape)),
    ...data.nodes.flatMap((node, index) => unknownFields(node, `/nodes/${index}`, NODE_FIELDS)),
  ];
}

function unsupported(
  fields: Fields,
  pointer: string,
  hints: Readonly<Record<string, string>>,
): Problem[] {
  return Object.keys(hints)
    .filter((name) => Object.hasOwn(fields, name))
    .map((name) => ({
      code: "E_UNSUPPORTED",
      pointer: pointerTo(pointer, name),
      detail: `this version of Batuta has no "${name}"`,
      hint: hints[name] ?? "",
    }));
}

const NODE_FIELDS = [...Object.keys(flowNodeSchema.shape), ...Object.keys(UNSUPPORTED_NODE_FIELDS)];

function unknownFields(fields: Fields, pointer: string, known: readonly string[]): Problem[] {
  return Object.keys(fields)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      code: "W_UNKNOWN_FIELD",
      pointer: pointerTo(pointer, name),
      detail: `"${name}" is not a field that Batuta knows; it is ignored`,
    }));
}
