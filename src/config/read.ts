import { readFileSync } from "node:fs";
import type { Problem } from "../domain/errors.ts";
import type { Surroundings } from "./kind.ts";
import type { Variable } from "./variable.ts";
import type { Row } from "./variables.ts";

export type Env = Readonly<Record<string, string | undefined>>;

export type Source = "default" | "environment" | "alias" | "file" | "flag";

/** One setting as it was read: its value, and under which name it was given. */
export interface Reading {
  readonly row: Row;
  readonly source: Source;
  /** The name that gave the value, as the user typed it: BATUTA_HTTP_TOKEN_FILE, MIN_WORKERS … */
  readonly from: string;
  /** The text that was given; undefined where nothing was and there is no default. */
  readonly text: string | undefined;
  readonly value: unknown;
  readonly problem?: Problem;
}

interface Given {
  readonly source: Source;
  readonly from: string;
  readonly text: string | undefined;
  readonly failure?: string;
}

/** One setting from the flag, the environment, its file, its alias or its default: the first that is there. */
export function readSetting(row: Row, env: Env, flags: Env, around: Surroundings): Reading {
  const { failure, ...given } = findText(row.variable, env, flags);
  if (failure !== undefined) return { row, ...given, value: undefined, problem: at(row, failure) };
  if (given.text === undefined) return { row, ...given, value: undefined };
  const parsed = row.variable.kind.parse(given.text, around);
  if (parsed.ok) return { row, ...given, value: parsed.value };
  return { row, ...given, value: undefined, problem: at(row, refusal(row.variable, given)) };
}

function findText(variable: Variable<unknown>, env: Env, flags: Env): Given {
  const { name, alias = "" } = variable;
  const flag = present(flags[name]);
  if (flag !== undefined) return { source: "flag", from: name, text: flag };
  const direct = present(env[name]);
  const file = variable.secret === true ? present(env[`${name}_FILE`]) : undefined;
  if (file !== undefined) return fromFile(name, file, direct);
  if (direct !== undefined) return { source: "environment", from: name, text: direct };
  const aliased = present(env[alias]);
  if (aliased !== undefined) return { source: "alias", from: alias, text: aliased };
  return { source: "default", from: name, text: variable.default };
}

/** An empty variable counts as unset: that is what `X=${Y:-}` in a compose file means. */
function present(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === "" ? undefined : trimmed;
}

function fromFile(name: string, file: string, direct: string | undefined): Given {
  const from = `${name}_FILE`;
  const given = { source: "file", from } as const;
  if (direct !== undefined)
    return { ...given, text: undefined, failure: `${name} and ${from} are both set: set one` };
  try {
    const text = readFileSync(file, "utf8").trim();
    if (text !== "") return { ...given, text };
    return { ...given, text: undefined, failure: `${from}: the file ${file} is empty` };
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return {
      ...given,
      text: undefined,
      failure: `${from}: the file ${file} cannot be read (${reason})`,
    };
  }
}

function refusal(variable: Variable<unknown>, { from, source, text }: Given): string {
  const name = source === "flag" ? `the flag for ${from}` : from;
  const shown = variable.secret === true ? "the value" : JSON.stringify(text);
  return `${name}: ${shown} does not fit; it accepts ${variable.kind.accepts}`;
}

function at(row: Row, detail: string): Problem {
  return { code: "E_CONFIG_VALUE", pointer: `/${row.topic}/${row.field}`, detail };
}
