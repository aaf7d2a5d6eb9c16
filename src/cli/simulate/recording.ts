import { InvalidInputError } from "../../domain/errors.ts";
import { isLane } from "../../domain/lane.ts";
import type { ScalingDecision, ScalingFacts, ScalingPolicy } from "../../domain/scaling-facts.ts";
import type { Arrival } from "../../domain/simulation/load.ts";

/** A decision of kind `scale` as `batuta explain scale -o jsonl` prints it. */
export interface RecordedScaling {
  readonly at: string;
  readonly inputs: { readonly facts: ScalingFacts; readonly policy: ScalingPolicy };
  readonly choice: ScalingDecision;
}

export type Recording =
  | { readonly type: "arrivals"; readonly arrivals: readonly Arrival[] }
  | { readonly type: "decisions"; readonly decisions: readonly RecordedScaling[] };

/**
 * Reads JSON lines, all arrivals or all decisions.
 *
 * @throws InvalidInputError that names the line at fault: nothing is passed over.
 */
export function readRecording(text: string): Recording {
  const lines = text.split("\n").flatMap((line, index) => {
    return line.trim() === "" ? [] : [{ number: index + 1, value: parsed(line, index + 1) }];
  });
  const [first] = lines;
  if (first === undefined) throw new InvalidInputError("the recording is empty");
  if ("kind" in first.value) {
    const decisions = lines.map(({ number, value }) => decisionIn(value, number));
    return { type: "decisions", decisions };
  }
  const arrivals = lines.map(({ number, value }) => arrivalIn(value, number));
  return { type: "arrivals", arrivals: arrivals.sort((one, other) => one.atMs - other.atMs) };
}

function parsed(line: string, number: number): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below, as any other line that is no object.
  }
  throw wrong(number, "a JSON object is expected", line);
}

function decisionIn(value: Readonly<Record<string, unknown>>, number: number): RecordedScaling {
  const { kind, at, inputs, choice, truncated } = value as {
    kind?: unknown;
    at?: unknown;
    inputs?: { facts?: unknown; policy?: unknown } | null;
    choice?: { action?: unknown } | null;
    truncated?: unknown;
  };
  if (kind !== "scale") throw wrong(number, 'a decision of kind "scale" is expected', kind);
  const isWhole =
    typeof at === "string" &&
    typeof inputs?.facts === "object" &&
    typeof inputs.policy === "object" &&
    typeof choice?.action === "string";
  if (truncated !== undefined)
    throw wrong(number, "a decision that was kept with all its inputs is expected", { truncated });
  if (isWhole) return value as unknown as RecordedScaling;
  throw wrong(number, "at, inputs.facts, inputs.policy and choice are expected", value);
}

function arrivalIn(value: Readonly<Record<string, unknown>>, number: number): Arrival {
  const { atMs, lane, serviceMs } = value;
  if (!isLane(lane)) throw wrong(number, "lane accepts high, normal or low", lane);
  if (!isSpan(atMs)) throw wrong(number, "atMs accepts milliseconds from 0", atMs);
  if (!isSpan(serviceMs)) throw wrong(number, "serviceMs accepts milliseconds from 0", serviceMs);
  return { atMs, lane, serviceMs };
}

function isSpan(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

const SHOWN_CHARS = 80;

function wrong(number: number, accepts: string, given: unknown): InvalidInputError {
  const shown = (JSON.stringify(given) ?? "nothing").slice(0, SHOWN_CHARS);
  return new InvalidInputError(`line ${number} of the recording: ${accepts}, not ${shown}`);
}
