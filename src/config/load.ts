import { homedir } from "node:os";
import { ConfigError, type Problem } from "../domain/errors.ts";
import { nearestName } from "../domain/nearest.ts";
import { type Env, type Reading, readSetting } from "./read.ts";
import { crossFieldProblems } from "./rules.ts";
import { allRows, type Config, type VariableName } from "./variables.ts";

export interface ConfigSources {
  /** Default: the environment of this process. */
  readonly env?: Env;
  /** Values of command line flags, by the name of the setting they stand for; they win over `env`. */
  readonly flags?: Readonly<Partial<Record<VariableName, string | undefined>>>;
  /** What relative paths are resolved against; default: the working directory. */
  readonly cwd?: string;
}

/**
 * The checked settings, deeply frozen: flags over environment over defaults.
 *
 * An empty variable counts as unset. `BATUTA_TEST_*` is left to the tests.
 *
 * @throws ConfigError with every problem at once: a value that does not fit, an unknown `BATUTA_*`
 * name (with the nearest one), settings that contradict each other.
 */
export function loadConfig(sources: ConfigSources = {}): Config {
  const { readings, problems } = readAll(sources);
  if (problems.length > 0) throw configError(problems);
  return configOf(readings);
}

/** Every setting as it was read, and what is wrong; nothing is thrown. See explainConfig. */
export function readAll(sources: ConfigSources): {
  readonly readings: readonly Reading[];
  readonly problems: readonly Problem[];
} {
  const env = sources.env ?? process.env;
  const around = { cwd: sources.cwd ?? process.cwd(), home: env.HOME ?? homedir() };
  const readings = allRows().map((row) => readSetting(row, env, sources.flags ?? {}, around));
  const values = readings.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  return { readings, problems: [...unknownNames(env), ...values, ...crossFieldProblems(readings)] };
}

function unknownNames(env: Env): Problem[] {
  const known = allRows().flatMap(({ variable }) =>
    variable.secret === true ? [variable.name, `${variable.name}_FILE`] : [variable.name],
  );
  const unknown = Object.keys(env).filter(
    (name) =>
      name.startsWith("BATUTA_") && !name.startsWith("BATUTA_TEST_") && !known.includes(name),
  );
  return unknown.sort().map((name) => {
    const detail = `${name} is not a setting; the nearest is ${nearestName(name, known)}`;
    return { code: "E_CONFIG_UNKNOWN", pointer: "", detail };
  });
}

function configError(problems: readonly Problem[]): ConfigError {
  const lines = problems.map(({ detail }) => `\n  ${detail}`).join("");
  const count =
    problems.length === 1 ? "a setting is wrong" : `${problems.length} settings are wrong`;
  const next = "\nAll settings: docs/configuration.md";
  return new ConfigError(`${count}:${lines}${next}`, { problems });
}

function configOf(readings: readonly Reading[]): Config {
  const config: Record<string, Record<string, unknown>> = {};
  for (const { row, value } of readings) {
    config[row.topic] = { ...config[row.topic], [row.field]: value };
  }
  return deepFreeze(config) as unknown as Config;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
