import type { Check } from "../demo/summary.ts";
import type { Timeline } from "./timeline.ts";

/** Limits of issue 4, in milliseconds. */
const DECIDED_WITHIN_MS = 2_000;
const SERVING_WITHIN_MS = 5_000;
/** Where much else runs on the machine, as beside the tests, DEMO_TIMES=shown leaves times unjudged. */
const TIMES_ARE_SHOWN = process.env.DEMO_TIMES === "shown";

/** What the burst is to show, held against what was seen. A check without faults has passed. */
export function burstChecks(
  timeline: Timeline,
  { executions, firstWorkers }: { executions: number; firstWorkers: readonly string[] },
): Check[] {
  const up = timeline.decisions.find(({ choice }) => choice.action === "up" && choice.count >= 2);
  // It may have looked at the lanes before we did.
  const decidedMs = Math.max(0, (up?.at ?? Number.NaN) - (timeline.crossedAt ?? Number.NaN));
  const newcomers = [...timeline.servedAt].filter(([id]) => !firstWorkers.includes(id));
  const servedAt = Math.min(...newcomers.map(([, at]) => at));
  const servingMs = servedAt - (up?.at ?? Number.NaN);
  return [
    within("scale-up was decided after the watermark was crossed", decidedMs, DECIDED_WITHIN_MS),
    within("a new worker had its first result after the decision", servingMs, SERVING_WITHIN_MS),
    {
      what: `each of the ${executions} executions completed at its first attempt, once`,
      faults: resultFaults(timeline, executions),
    },
    {
      what: "the fleet is back at 2 workers, and each that left was retired and not killed",
      faults: endFaults(timeline),
    },
  ];
}

function within(what: string, tookMs: number, mostMs: number): Check {
  const shown = `${what}: ${(tookMs / 1_000).toFixed(2)} s, at most ${mostMs / 1_000} s`;
  if (!Number.isFinite(tookMs)) return { what: shown, faults: ["it was never seen"] };
  return { what: shown, faults: tookMs <= mostMs || TIMES_ARE_SHOWN ? [] : ["it took longer"] };
}

function resultFaults({ results }: Timeline, executions: number): string[] {
  const ids = new Set(results.map(({ executionId }) => executionId));
  const odd = results.filter(({ status, attempts }) => status !== "completed" || attempts !== 1);
  return [
    ...(ids.size === executions ? [] : [`${ids.size} executions have a result`]),
    ...(results.length === ids.size ? [] : [`${results.length - ids.size} results too many`]),
    ...odd.map(
      ({ executionId, status, attempts }) => `${executionId}: ${status}, ${attempts} attempts`,
    ),
  ];
}

function endFaults(timeline: Timeline): string[] {
  const left = timeline.count("registering", "healthy", "degraded", "critical", "draining");
  const gone = timeline.states.filter(({ to }) => to === "offline");
  const retired = new Set(
    timeline.states.filter(({ to }) => to === "draining").map(({ workerId }) => workerId),
  );
  return [
    ...(left === 2 ? [] : [`${left} workers are there`]),
    ...(gone.length > 0 ? [] : ["nobody was retired"]),
    ...gone
      .filter(({ workerId }) => !retired.has(workerId))
      .map(({ workerId, reasons }) => `${workerId} ended without a drain: ${reasons.join("; ")}`),
  ];
}
