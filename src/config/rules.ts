import type { Problem } from "../domain/errors.ts";
import type { Reading } from "./read.ts";

type Path = `${string}.${string}`;

/** `lower` must not be above `upper`; `because` ends the message where the reason is not plain. */
interface OrderRule {
  readonly lower: Path;
  readonly upper: Path;
  /** Equal values break the rule too. */
  readonly strict?: boolean;
  /** Only a contradiction of the user is told; what a default says gives way. */
  readonly bothGiven?: boolean;
  readonly because?: string;
}

const RULES: readonly OrderRule[] = [
  { lower: "scaling.minWorkers", upper: "scaling.maxWorkers" },
  { lower: "scaling.lowWatermark", upper: "scaling.highWatermark", strict: true },
  { lower: "scaling.downLoad", upper: "scaling.upLoad", strict: true },
  { lower: "retry.backoffMs", upper: "retry.backoffMaxMs", bothGiven: true },
  {
    lower: "worker.drainTimeoutMs",
    upper: "process.shutdownTimeoutMs",
    bothGiven: true,
    because: "the process would exit before its drain ends",
  },
];

/** What is wrong between settings that are each right alone, in the names that the user gave. */
export function crossFieldProblems(readings: readonly Reading[]): readonly Problem[] {
  const byPath = new Map(readings.map((each) => [`${each.row.topic}.${each.row.field}`, each]));
  return RULES.flatMap((rule) => {
    const lower = byPath.get(rule.lower);
    const upper = byPath.get(rule.upper);
    return lower && upper && breaks(rule, lower, upper) ? [problemOf(rule, lower, upper)] : [];
  });
}

function breaks(rule: OrderRule, lower: Reading, upper: Reading): boolean {
  if (typeof lower.value !== "number" || typeof upper.value !== "number") return false;
  if (rule.bothGiven === true && [lower, upper].some(({ source }) => source === "default"))
    return false;
  return rule.strict === true ? lower.value >= upper.value : lower.value > upper.value;
}

function problemOf(rule: OrderRule, lower: Reading, upper: Reading): Problem {
  const relation = rule.strict === true ? "is not below" : "is above";
  const why = rule.because === undefined ? "" : `: ${rule.because}`;
  const detail = `${lower.from} (${lower.text}) ${relation} ${upper.from} (${upper.text})${why}`;
  const pointer = `/${lower.row.topic}/${lower.row.field}`;
  return { code: "E_CONFIG_RULE", pointer, detail };
}
