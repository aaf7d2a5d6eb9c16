import { explainConfig } from "../config/explain.ts";
import { loadConfig } from "../config/load.ts";
import type { Config, VariableName } from "../config/variables.ts";
import { type FlagValues, settingsOf } from "./flags.ts";

type Settings = Readonly<Partial<Record<VariableName, string>>>;

/**
 * The settings of a command: its flags, then the environment, then defaults.
 *
 * @throws ConfigError with everything that is wrong.
 */
export function configOf(values: FlagValues, more: Settings = {}): Config {
  return loadConfig({ flags: { ...settingsOf(values), ...more } });
}

/** Whether failures are told with stack traces. Works with settings that are wrong, too. */
export function wantsStacks(): boolean {
  const { settings } = explainConfig();
  const level = settings.find(({ name }) => name === "BATUTA_LOG_LEVEL")?.value;
  return level === "debug" || level === "trace";
}
