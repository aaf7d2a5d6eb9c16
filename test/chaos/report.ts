import Table from "cli-table3";
import { FAULT_KINDS } from "./plan.ts";
import type { ChaosReport } from "./run-chaos.ts";

export function printReport(seed: string, version: string, report: ChaosReport): void {
  const { verdict, watch, left, back, cuts } = report;
  const ledger = new Table({ style: { head: [], border: [], compact: true } });
  ledger.push(
    ["accepted", verdict.accepted],
    ["completed", verdict.completed],
    ["failed", `${verdict.failed} (of which poison: ${verdict.poison})`],
    ["lost", listed(verdict.lost)],
    ["double terminal records", verdict.doubles],
    ["ended otherwise than the flow says", listed(verdict.wrong)],
    ["nobody published", listed(verdict.strangers)],
    ["left in a lane", left],
    ["back in a lane, though acked", back],
    ["runs repeated, as far as seen", watch.repeated],
    ["commits fenced, as far as seen", watch.fenced],
  );
  const times = new Table({
    head: ["worker fault", "noticed p50 / p99", "times", "task elsewhere p50 / p99", "tasks"],
    style: { head: [], border: [], compact: true },
  });
  for (const kind of FAULT_KINDS.filter((each) => each.endsWith("worker"))) {
    const { detectionMs, takenElsewhereMs } = watch.movesOf(kind);
    times.push([
      kind,
      percentiles(detectionMs),
      detectionMs.length,
      percentiles(takenElsewhereMs),
      takenElsewhereMs.length,
    ]);
  }
  const waits = new Table({
    head: ["orchestrator fault", "next sign of what was under way p50 / p99", "executions"],
    style: { head: [], border: [], compact: true },
  });
  for (const kind of FAULT_KINDS.filter((each) => each.endsWith("orchestrator"))) {
    const waitsMs = watch.waitsAfter(kind);
    waits.push([kind, percentiles(waitsMs), waitsMs.length]);
  }
  process.stdout.write(
    `seed ${seed}, nats-server ${version}, cut by ${cuts}\n${ledger}\n${times}\n${waits}\n`,
  );
}

function listed(ids: readonly string[]): string {
  return ids.length === 0 ? "0" : `${ids.length}: ${ids.slice(0, 10).join(", ")}`;
}

function percentiles(valuesMs: readonly number[]): string {
  const sorted = [...valuesMs].sort((one, other) => one - other);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const shown = (ms: number | undefined) =>
    ms === undefined ? "-" : `${(ms / 1_000).toFixed(2)} s`;
  return `${shown(at(0.5))} / ${shown(at(0.99))}`;
}
