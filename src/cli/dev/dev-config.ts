import { explainConfig } from "../../config/explain.ts";
import { loadConfig } from "../../config/load.ts";
import type { Config, VariableName } from "../../config/variables.ts";
import { type FlagValues, settingsOf } from "../flags.ts";
import { isPortFree } from "../nats/free-port.ts";

/** Where a RabbitMQ that was just installed listens. */
const LOCAL_AMQP = "amqp://guest:guest@127.0.0.1:5672";

/**
 * The settings of `batuta dev`: where nothing else was asked for, the orchestrator logs warnings
 * only, and HTTP takes a free port when its default one is taken. With `amqp` there is a broker to join.
 */
export async function devConfig(
  { amqp, ...values }: FlagValues & { readonly amqp?: string | true | undefined },
  say: (line: string) => void,
): Promise<Config> {
  const flags = { ...settingsOf(values), ...amqpSettings(amqp) };
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

/** Where no address comes with the flag, that of the environment holds. */
function amqpSettings(amqp: string | true | undefined): Partial<Record<VariableName, string>> {
  if (amqp === undefined) return {};
  if (amqp !== true) return { BATUTA_AMQP_URL: amqp };
  return loadConfig().amqp.url === undefined ? { BATUTA_AMQP_URL: LOCAL_AMQP } : {};
}
