import { createRequire } from "node:module";
import {
  type DestinationStream,
  destination,
  type Logger,
  type LoggerOptions,
  pino,
  stdTimeFunctions,
} from "pino";

/** The logger that processes hand down; `log.child({ workerId })` adds ids to every line. */
export type Log = Logger;

export interface LogOptions {
  /** The least urgent lines that are written; `config.log.level`. */
  readonly level: string;
  /** auto: pretty on a terminal, json elsewhere; `config.log.format`. */
  readonly format: "auto" | "json" | "pretty";
  /** Fields of every line, like `{ process: "worker", version }`. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Default: standard error, so that standard output is left to results. */
  readonly output?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/**
 * A root logger: one fact per line, ids as fields. Tokens, passwords and credentials are replaced by
 * "[hidden]" wherever they are fields, and passwords inside URLs wherever they stand.
 */
export function createLog(options: LogOptions): Log {
  const settings: LoggerOptions = {
    level: options.level,
    base: { service: "batuta", ...options.base },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: [...HIDDEN_PATHS], censor: "[hidden]" },
    hooks: { streamWrite: withoutPasswords },
  };
  return pino(settings, streamOf(options));
}

function streamOf({ format, output }: LogOptions): DestinationStream {
  const terminal = output === undefined ? process.stderr.isTTY === true : output.isTTY === true;
  const pretty = format === "pretty" || (format === "auto" && terminal);
  if (!pretty) return output ?? destination({ dest: 2, sync: true });
  // Loaded where a person reads along only: it is a fiftieth of an idle orchestrator's memory.
  const { PinoPretty } = createRequire(import.meta.url)(
    "pino-pretty",
  ) as typeof import("pino-pretty");
  return PinoPretty({
    destination: output ?? 2,
    sync: true,
    colorize: terminal && process.stderr.hasColors?.() !== false,
    ignore: "pid,hostname,service",
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
  });
}

const HIDDEN_KEYS = [
  "authorization",
  "Authorization",
  "cookie",
  "token",
  "httpToken",
  "accessToken",
  "apiKey",
  "password",
  "pass",
  "secret",
  "credentials",
  "creds",
  "connectionString",
];

/** Each key at the top of a line and up to two levels below. */
const HIDDEN_PATHS: readonly string[] = HIDDEN_KEYS.flatMap((key) => [
  key,
  `*.${key}`,
  `*.*.${key}`,
]);

/** nats://user:password@host as nats://[hidden]@host, in messages and error texts too. */
function withoutPasswords(line: string): string {
  return line.includes("@") ? line.replace(/:\/\/[^\s/"]+@/g, "://[hidden]@") : line;
}
