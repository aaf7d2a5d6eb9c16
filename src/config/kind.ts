/** What reading one text gives: the value, or nothing when the text does not fit. */
type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false };

/** Where relative paths and per-user directories start from. */
export interface Surroundings {
  readonly cwd: string;
  readonly home: string;
}

/** One kind of setting: how its text is read, and what to tell those whose text does not fit. */
export interface Kind<T> {
  /** Ends the sentence "… accepts". */
  readonly accepts: string;
  /** The unit of the value; undefined where it has none. */
  readonly unit?: string;
  parse(text: string, around: Surroundings): Parsed<T>;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

const NO: Parsed<never> = { ok: false };
const yes = <T>(value: T): Parsed<T> => ({ ok: true, value });

/** One of a few words. */
export function oneOf<const W extends string>(...words: readonly W[]): Kind<W> {
  return {
    accepts: words.join(", "),
    parse: (text) => {
      const word = words.find((known) => known === text);
      return word === undefined ? NO : yes(word);
    },
  };
}

export const flag: Kind<boolean> = {
  accepts: "true or false (also 1, 0, yes, no, on, off)",
  parse: (text) => {
    if (/^(true|1|yes|on)$/i.test(text)) return yes(true);
    return /^(false|0|no|off)$/i.test(text) ? yes(false) : NO;
  },
};

/** A text that matches `pattern`; `accepts` says the same in words. */
export function text(pattern: RegExp, accepts: string): Kind<string> {
  return { accepts, parse: (given) => (pattern.test(given) ? yes(given) : NO) };
}

export function integer(range: Range, unit?: string): Kind<number> {
  return numeric(/^\d+$/, "a whole number", range, unit);
}

export function decimal(range: Range, unit?: string): Kind<number> {
  return numeric(/^\d+(\.\d+)?$/, "a number", range, unit);
}

function numeric(pattern: RegExp, noun: string, range: Range, unit?: string): Kind<number> {
  return {
    accepts: `${noun}${unit === undefined ? "" : ` of ${unit}`} from ${range.min} to ${range.max}`,
    ...(unit === undefined ? {} : { unit }),
    parse: (given) => (pattern.test(given) ? within(Number(given), range) : NO),
  };
}

function within(value: number, { min, max }: Range): Parsed<number> {
  return value >= min && value <= max ? yes(value) : NO;
}

const MS_PER: Readonly<Record<string, number>> = {
  "": 1,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** A span of time, read as milliseconds: "15s", "500ms", "1.5m", "2h", or plain milliseconds. */
export function duration(range: Range): Kind<number> {
  const { min, max } = range;
  return {
    accepts: `a duration like 500ms, 15s, 2m or 1h from ${durationText(min)} to ${durationText(max)}; a plain number is ms`,
    unit: "ms",
    parse: (given) => scaled(given, /^(\d+(?:\.\d+)?) ?(ms|s|m|h|)$/, MS_PER, range),
  };
}

const BYTES_PER: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

/** A size, read as bytes: "512KiB", "1MiB", or plain bytes. */
export function bytes(range: Range): Kind<number> {
  return {
    accepts: `a size like 65536, 512KiB or 1MiB from ${sizeText(range.min)} to ${sizeText(range.max)}; a plain number is bytes`,
    unit: "bytes",
    parse: (given) => scaled(given, /^(\d+(?:\.\d+)?) ?(KiB|MiB|GiB|B|)$/, BYTES_PER, range),
  };
}

function scaled(
  given: string,
  pattern: RegExp,
  factors: Readonly<Record<string, number>>,
  range: Range,
): Parsed<number> {
  const [, amount, unit] = pattern.exec(given) ?? [];
  const factor = unit === undefined ? undefined : factors[unit];
  return factor === undefined ? NO : within(Math.round(Number(amount) * factor), range);
}

/** Bytes as one would type them: 1048576 is "1MiB". */
export function sizeText(size: number): string {
  if (size >= 1_048_576 && size % 1_048_576 === 0) return `${size / 1_048_576}MiB`;
  return size >= 1_024 && size % 1_024 === 0 ? `${size / 1_024}KiB` : String(size);
}

/** Milliseconds as one would type them: 90000 is "90s". */
export function durationText(ms: number): string {
  if (ms === 0) return "0";
  if (ms >= 3_600_000 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms >= 120_000 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms >= 1_000 && ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
