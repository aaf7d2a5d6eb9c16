import Table from "cli-table3";
import { LANES } from "../../src/domain/lane.ts";
import type { DemoFlow } from "./flows.ts";
import type { Watch } from "./watch.ts";

/** Every execution: lane, worker, wait, duration, outcome. */
export function summaryTable(flows: readonly DemoFlow[], watch: Watch): string {
  const table = new Table({
    head: ["execution", "lane", "worker", "attempts", "wait ms", "ran ms", "outcome"],
    colAligns: ["left", "left", "left", "right", "right", "right", "left"],
    style: { head: [], border: [], compact: true },
  });
  for (const { executionId, lane } of flows) {
    const result = watch.executions.get(executionId)?.results[0];
    if (result === undefined) table.push([executionId, lane, "", "", "", "", "NO RESULT"]);
    else {
      const outcome =
        result.reason === undefined ? result.status : `${result.status}: ${result.reason}`;
      const { workerId, attempts, queueWaitMs, durationMs } = result;
      table.push([executionId, lane, workerId ?? "-", attempts, queueWaitMs, durationMs, outcome]);
    }
  }
  return table.toString();
}

export interface Check {
  readonly what: string;
  readonly faults: readonly string[];
}

/** A worker that was killed, when (epoch ms), and what it was seen to hold just before. */
export interface Killed {
  readonly workerId: string;
  readonly at: number;
  readonly held: readonly string[];
}

/** What the demo promises, held against what was seen. A check without faults has passed. */
export function checks(flows: readonly DemoFlow[], watch: Watch, killed: Killed): Check[] {
  const resultsOf = (id: string) => watch.executions.get(id)?.results ?? [];
  return [
    {
      what: `each of the ${flows.length} executions ended, and ended once`,
      faults: flows.flatMap(({ executionId }) => {
        const { length } = resultsOf(executionId);
        return length === 1 ? [] : [`${executionId} has ${length} results`];
      }),
    },
    {
      what: "each ended as it should: status, reason, attempts, output",
      faults: flows.flatMap((flow) => mismatches(flow, watch, killed.held)),
    },
    {
      what: "every failed one is in the dead letters",
      faults: flows
        .filter(({ expect }) => expect.status === "failed")
        .filter(
          ({ executionId }) =>
            !watch.deadLetters.some((letter) => letter.executionId === executionId),
        )
        .map(({ executionId }) => `${executionId} is not`),
    },
    {
      what: "all three lanes were served",
      faults: LANES.filter(
        (lane) =>
          !flows.some((flow) => flow.lane === lane && resultsOf(flow.executionId).length > 0),
      ),
    },
    {
      what: `what ${killed.workerId} held when it was killed (${killed.held.length}) was run by others`,
      faults: moveFaults(watch, killed),
    },
    {
      what: "the stopped worker was announced as registering, healthy, draining, offline",
      faults: stateFaults(watch, "worker-1"),
    },
  ];
}

/** What it held may have ended between the last look at it and the signal; not all of it may have. */
function moveFaults(watch: Watch, { workerId, at, held }: Killed): string[] {
  const resultOf = (id: string) => watch.executions.get(id)?.results[0];
  const endedBefore = (id: string) => {
    const result = resultOf(id);
    return result?.workerId === workerId && Date.parse(result.finishedAt) <= at;
  };
  const moved = held.filter((id) => !endedBefore(id));
  if (moved.length === 0) return [`${workerId} held nothing any more, so nothing was shown`];
  return moved.filter((id) => (resultOf(id)?.workerId ?? workerId) === workerId);
}

function mismatches(
  { executionId, expect }: DemoFlow,
  watch: Watch,
  held: readonly string[],
): string[] {
  const result = watch.executions.get(executionId)?.results[0];
  if (result === undefined) return [`${executionId} has no result`];
  const wanted = Object.entries(expect);
  return wanted.flatMap(([field, value]) => {
    const got = result[field as keyof typeof result];
    // The attempt that died with the killed worker counts too.
    const oneMore = field === "attempts" && held.includes(executionId) ? Number(value) + 1 : value;
    return [value, oneMore].some((each) => JSON.stringify(got) === JSON.stringify(each))
      ? []
      : [`${executionId}: ${field} is ${JSON.stringify(got)}, expected ${JSON.stringify(value)}`];
  });
}

function stateFaults(watch: Watch, workerId: string): string[] {
  const seen = watch.states.filter((event) => event.workerId === workerId).map(({ to }) => to);
  // Under load a worker may pass through degraded as well; that is no fault of the order.
  const ordered = seen
    .filter((state) => state !== "degraded")
    .filter((state, i, all) => state !== all[i - 1]);
  const wanted = ["registering", "healthy", "draining", "offline"];
  return JSON.stringify(ordered) === JSON.stringify(wanted)
    ? []
    : [`${workerId} was ${seen.join(", ")}`];
}
