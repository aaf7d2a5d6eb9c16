/** Of most texts JSON changes nothing. */
export function quoted(text: string): string {
  return /^[\w .:/+[\],{}()-]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}

const MILLION = 1_000_000;
const LAST_DIGITS = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(3, "0"));
let [millions, millionsText] = [Number.NaN, ""];

/**
 * A number as JSON has it; one that JSON does not know is quoted. An instant (epoch ms) shares all but its
 * last digits with the one before: made anew its text costs ten times as much (bench/watching.ts).
 */
export function numberText(value: number): string {
  if (!(value >= MILLION && Number.isSafeInteger(value)))
    return Number.isFinite(value) ? `${value}` : `"${value}"`;
  const above = Math.floor(value / MILLION);
  if (above !== millions) [millions, millionsText] = [above, `${above}`];
  const rest = value - above * MILLION;
  const thousands = Math.floor(rest / 1_000);
  return `${millionsText}${LAST_DIGITS[thousands]}${LAST_DIGITS[rest - thousands * 1_000]}`;
}

/**
 * A text that was put together is a tree of its pieces, and each text that it becomes a part of walks it
 * again; to read of it makes it one piece for good.
 */
export function flatten(text: string): string {
  text.charCodeAt(0);
  return text;
}

const MINUTE_MS = 60_000;
const SECONDS = Array.from({ length: 60 }, (_, s) => `${String(s).padStart(2, "0")}.`);
/** What is told lies in two minutes at the most: the one that passes, and that in which timers are due. */
const minutes = [
  { minute: Number.NaN, text: "" },
  { minute: Number.NaN, text: "" },
];

/** An instant (epoch ms) in ISO 8601, quoted; those of a minute share the most of it. */
export function isoText(ms: number): string {
  const minute = Math.floor(ms / MINUTE_MS);
  const rest = Math.floor(ms) - minute * MINUTE_MS;
  const seconds = Math.floor(rest / 1_000);
  return `${minuteText(minute)}${SECONDS[seconds]}${LAST_DIGITS[rest - seconds * 1_000]}Z"`;
}

function minuteText(minute: number): string {
  const known = minutes[minute % 2];
  if (known?.minute === minute) return known.text;
  const text = `"${new Date(minute * MINUTE_MS).toISOString().slice(0, -"00.000Z".length)}`;
  minutes[minute % 2] = { minute, text };
  return text;
}
