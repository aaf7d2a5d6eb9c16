import type { Problem } from "../domain/errors.ts";
import { durationText, sizeText } from "./kind.ts";
import { type ConfigSources, readAll } from "./load.ts";
import type { Reading, Source } from "./read.ts";

/** One setting for people to read: secrets and passwords are left out. */
export interface ExplainedSetting {
  readonly name: string;
  /** Where it is in the Config, like "http.port". */
  readonly path: string;
  /** "" where it is unset; "(hidden)" for a secret. */
  readonly value: string;
  readonly source: Source;
  /** The name that gave the value; the same as `name` but for aliases and files. */
  readonly from: string;
  readonly meaning: string;
}

export interface ConfigReport {
  readonly settings: readonly ExplainedSetting[];
  /** What loadConfig would throw for the same sources. */
  readonly problems: readonly Problem[];
}

/** Where each value comes from and what is wrong, without throwing: for `batuta config` and `doctor`. */
export function explainConfig(sources: ConfigSources = {}): ConfigReport {
  const { readings, problems } = readAll(sources);
  return { settings: readings.map(explain), problems };
}

function explain(reading: Reading): ExplainedSetting {
  const { row, source, from } = reading;
  const { name, meaning } = row.variable;
  return { name, path: `${row.topic}.${row.field}`, value: shown(reading), source, from, meaning };
}

function shown({ row, text, value }: Reading): string {
  if (text === undefined) return "";
  if (row.variable.secret === true) return "(hidden)";
  const { unit } = row.variable.kind;
  if (unit === "ms" && typeof value === "number") return durationText(value);
  if (unit === "bytes" && typeof value === "number") return sizeText(value);
  const plain = typeof value === "string" || typeof value === "number" ? String(value) : text;
  return withoutPasswords(plain);
}

/** nats://user:password@host as nats://***@host. */
export function withoutPasswords(url: string): string {
  return url.replace(/(^|\/\/|,)[^\s/,]+@/g, "$1***@");
}
