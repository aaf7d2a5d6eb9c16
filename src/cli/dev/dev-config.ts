import { explainConfig } from "../../config/explain.ts";
import { loadConfig } from "../../config/load.ts";
import type { Config, VariableName } from "../../config/variables.ts";
import { type FlagValues, settingsOf } from "../flags.ts";
import { isPortFree } from "../nats/free-port.ts";

/**
 * The settings of `batuta dev`: where nothing else was asked for, the orchestrator logs warnings
 * only, and HTTP takes a free port when its default one is taken.
 */
export async function devConfig(values: FlagValues, say: (line: string) => void): Promise<Config> {
  const flags = settingsOf(values);
  const { settings } = explainConfig({ flags });
  const isDefault = (name: VariableName) =>
    settings.some((setting) => setting.name === name && setting.source === "default");
  const quiet = isDefault("BATUTA_LOG_LEVEL") ? { BATUTA_LOG_LEVEL: "warn" } : {};
  const config = loadConfig({ flags: { ...flags, ...quiet } });
  const { enabled, port, host } = config.http;
  if (!enabled || !isDefault("BATUTA_HTTP_PORT") || (await isPortFree(port, host))) return config;
  say(`port ${port} is taken; HTTP listens on another one (choose it with --http-port)`);
  return loadConfig({ flags: { ...flags, ...quiet, BATUTA_HTTP_PORT: "0" } });
}
