import { readFileSync } from "node:fs";

/** A figure of a run. Higher is better for rates, lower for times. */
export interface Rate {
  readonly perSecond: number;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export function latencyOf(samplesMs: readonly number[]): Latency {
  const sorted = [...samplesMs].sort((one, other) => one - other);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: round(at(0.5), 3), p99Ms: round(at(0.99), 3) };
}

export function rateOf(count: number, elapsedMs: number): Rate {
  return { perSecond: Math.round((count / elapsedMs) * 1_000) };
}

/** Runs `task` for 0..count-1 with at most `outstanding` under way. */
export async function pipelined(
  count: number,
  outstanding: number,
  task: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(outstanding, count) }, lane));
}

/** CPU milliseconds that a process has used, and its resident memory; from /proc, so Linux only. */
export function processUsage(pid: number): { readonly cpuMs: number; readonly rssMB: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const pages = Number(fields[21]);
  return { cpuMs: ticks * 10, rssMB: round((pages * 4_096) / 1_048_576, 1) };
}

/** The middle value, or the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

export function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
