import type { Terminal } from "./terminal.ts";

export const FORMATS = ["table", "json", "jsonl"] as const;
export type Format = (typeof FORMATS)[number];

/** A list that a command prints: as a table for people, or as records for programs. */
export interface Listing<T extends object> {
  readonly records: readonly T[];
  readonly columns: readonly string[];
  /** The cells of one record, as many as there are columns. */
  readonly cells: (record: T) => readonly string[];
}

/** json: one array. jsonl: one record per line. table: for people. */
export async function printListing<T extends object>(
  terminal: Terminal,
  format: Format,
  { records, columns, cells }: Listing<T>,
): Promise<void> {
  if (format === "json") return terminal.print(JSON.stringify(records, null, 2));
  if (format === "jsonl") {
    for (const record of records) terminal.print(JSON.stringify(record));
    return;
  }
  const head = columns.map((column) => terminal.paint("bold", column));
  terminal.print(await tableText([head, ...records.map(cells)]));
}

/** One record: json over several lines, jsonl on one; `lines` are what people get. */
export function printRecord(
  terminal: Terminal,
  format: Format,
  record: object,
  lines: readonly string[],
): void {
  if (format === "table") for (const line of lines) terminal.print(line);
  else terminal.print(JSON.stringify(record, null, format === "json" ? 2 : undefined));
}

/** Columns that line up, without lines between them. */
async function tableText(rows: readonly (readonly string[])[]): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const style = { head: [], border: [], "padding-left": 0, "padding-right": 2, compact: true };
  const table = new Table({ chars: NO_LINES, style });
  table.push(...rows.map((row) => [...row]));
  const lines = table.toString().split("\n");
  return lines.map((line) => line.trimEnd()).join("\n");
}

const NO_LINES = Object.fromEntries(
  ["top", "bottom", "left", "right", "mid"]
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .concat("middle")
    .map((name) => [name, ""]),
);

/** How long ago, in one unit: "8s", "3m", "5h", "2d". */
export function ageText(sinceMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - sinceMs) / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A span for people: "12 ms", "3.4 s". */
export function spanText(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
