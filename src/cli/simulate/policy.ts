import { loadConfig } from "../../config/load.ts";
import { allRows } from "../../config/variables.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import type { ScalingPolicy } from "../../domain/scaling-facts.ts";
import { scalingPolicyOf } from "../../processes/scaling/scaling-policy.ts";

export interface PolicyWishes {
  readonly policy?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

export interface WishedPolicy {
  readonly name: "default" | "seed";
  readonly policy: ScalingPolicy;
  readonly changed: boolean;
}

/**
 * The settings of this process, with what the command line wants otherwise.
 *
 * @throws InvalidInputError that lists what can be set; ConfigError when a value does not fit.
 */
export function wishedPolicy({ policy = [], min, max }: PolicyWishes): WishedPolicy {
  const names = policy.filter((wish) => !wish.includes("="));
  const [name = "default"] = names;
  if ((name !== "default" && name !== "seed") || names.length > 1)
    throw new InvalidInputError(
      `${JSON.stringify(names.at(-1))}: --policy accepts default, seed, and settings like upLoad=0.8`,
    );
  const wishes = policy.filter((wish) => wish.includes("="));
  const env = {
    ...Object.fromEntries(wishes.map(settingOf)),
    ...(min === undefined ? {} : { BATUTA_SCALING_MIN_WORKERS: String(min) }),
    ...(max === undefined ? {} : { BATUTA_SCALING_MAX_WORKERS: String(max) }),
  };
  const config = loadConfig({ flags: env });
  return {
    name,
    policy: scalingPolicyOf(config.scaling),
    changed: Object.keys(env).length > 0,
  };
}

/** `upLoad=0.8` as the setting that it stands for, so that it is checked as that. */
function settingOf(wish: string): readonly [string, string] {
  const at = wish.indexOf("=");
  const field = wish.slice(0, at);
  const fields = policyFields();
  const name = fields.get(field);
  if (name !== undefined) return [name, wish.slice(at + 1)];
  throw new InvalidInputError(
    `${JSON.stringify(field)} is no setting of the policy: there are ${[...fields.keys()].join(", ")}`,
  );
}

function policyFields(): ReadonlyMap<string, string> {
  const known = Object.keys(scalingPolicyOf(loadConfig({ env: {} }).scaling));
  const rows = allRows().filter(({ topic, field }) => topic === "scaling" && known.includes(field));
  return new Map(rows.map(({ field, variable }) => [field, variable.name]));
}
