import { Option } from "commander";
import type { VariableName } from "../config/variables.ts";
import { FORMATS } from "./output.ts";

interface Flag {
  readonly flags: string;
  /** The setting that the flag stands for; the flag wins over it. */
  readonly variable: VariableName;
  readonly text: string;
}

/** Every flag that stands for a setting, by the name under which commander hands it over. */
// biome-ignore format: one row, one flag
const FLAGS = {
  url: { flags: "--url <url>", variable: "BATUTA_NATS_URL", text: "the NATS server" },
  prefix: { flags: "--prefix <token>", variable: "BATUTA_SUBJECT_PREFIX", text: "token before every subject" },
  dataDir: { flags: "--data-dir <path>", variable: "BATUTA_DATA_DIR", text: "where the embedded server keeps its data" },
  durability: { flags: "--durability <level>", variable: "BATUTA_DURABILITY", text: "standard or strict" },
  httpPort: { flags: "--http-port <port>", variable: "BATUTA_HTTP_PORT", text: "port of the HTTP API, 0 for a free one" },
  httpHost: { flags: "--http-host <host>", variable: "BATUTA_HTTP_HOST", text: "address of the HTTP API" },
  strategy: { flags: "--strategy <name>", variable: "BATUTA_BALANCER_STRATEGY", text: "round_robin, least_busy or weighted" },
  id: { flags: "--id <id>", variable: "BATUTA_WORKER_ID", text: "id of the worker" },
  slots: { flags: "--slots <n>", variable: "BATUTA_WORKER_MAX_CONCURRENT_FLOWS", text: "executions that a worker holds at once" },
  pool: { flags: "--pool <name>", variable: "BATUTA_WORKER_POOL", text: "pool of the worker" },
  labels: { flags: "--labels <k=v,…>", variable: "BATUTA_WORKER_LABELS", text: "labels of the worker" },
  drainTimeout: { flags: "--drain-timeout <time>", variable: "BATUTA_WORKER_DRAIN_TIMEOUT", text: "how long a stop waits for running executions" },
  workers: { flags: "--workers <n>", variable: "BATUTA_SCALING_MIN_WORKERS", text: "how many workers to start" },
  logLevel: { flags: "--log-level <level>", variable: "BATUTA_LOG_LEVEL", text: "trace, debug, info, warn, error, fatal or silent" },
  logFormat: { flags: "--log-format <format>", variable: "BATUTA_LOG_FORMAT", text: "auto, json or pretty" },
} as const satisfies Readonly<Record<string, Flag>>;

export type FlagName = keyof typeof FLAGS;

/** What commander hands over for the flags of this table. */
export type FlagValues = { readonly [Name in FlagName]?: string | undefined };

/** The options of a command for some of the flags. */
export function optionsFor(...names: readonly FlagName[]): readonly Option[] {
  return names.map((name) => {
    const { flags, variable, text } = FLAGS[name];
    return new Option(flags, `${text} (${variable})`);
  });
}

/** The values of flags under the names of their settings, as loadConfig takes them. */
export function settingsOf(values: FlagValues): Partial<Record<VariableName, string>> {
  const settings: Partial<Record<VariableName, string>> = {};
  for (const [name, { variable }] of Object.entries(FLAGS)) {
    const value = values[name as FlagName];
    if (value !== undefined) settings[variable] = value;
  }
  return settings;
}

/** A command line that gives these values again. */
export function argumentsFor(values: FlagValues): readonly string[] {
  return Object.entries(FLAGS).flatMap(([name, { flags }]) => {
    const value = values[name as FlagName];
    return value === undefined ? [] : [`${flags.split(" ")[0]}=${value}`];
  });
}

/** `-o`, for commands that print data. */
export function outputOption(): Option {
  return new Option("-o, --output <format>", "how data is printed")
    .choices(FORMATS)
    .default("table");
}
