import type { Kind } from "./kind.ts";

export type EnvName = `BATUTA_${string}`;

/** One setting: a row of the table in variables.ts and of docs/configuration.md. */
export interface Variable<T, N extends EnvName = EnvName> {
  readonly name: N;
  readonly kind: Kind<T>;
  /** As one would type it; undefined where unset means something of its own, told by `meaning`. */
  readonly default: string | undefined;
  readonly meaning: string;
  /** The seed's name for it, read where the BATUTA_ name is not set. */
  readonly alias?: string;
  /** Never printed, and may be given as `<name>_FILE`, the path of a file that holds it. */
  readonly secret?: boolean;
}

type Extras = Pick<Variable<unknown>, "alias" | "secret">;

/** A setting that always has a value. */
export function setting<T, N extends EnvName>(
  name: N,
  kind: Kind<T>,
  defaultText: string,
  meaning: string,
  extras: Extras = {},
): Variable<T, N> {
  return { name, kind, default: defaultText, meaning, ...extras };
}

/** A setting that is undefined unless it is given. */
export function optional<T, N extends EnvName>(
  name: N,
  kind: Kind<T>,
  meaning: string,
  extras: Extras = {},
): Variable<T | undefined, N> {
  return { name, kind, default: undefined, meaning, ...extras };
}
