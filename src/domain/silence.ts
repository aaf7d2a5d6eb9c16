/** A server that says nothing for so long is likely to be in trouble: workers are not to blame. */
const DOUBTFUL_MS = 1_500;
/** And for so long that it is as good as gone. Requests for messages have expired by then (5 s). */
const LOST_MS = 10_000;

/** How a bus counts that has let `silentMs` pass without an answer to what it is asked all the time. */
export type BusStanding = "answers" | "doubtful" | "lost";

export function judgeSilence(silentMs: number): BusStanding {
  if (silentMs >= LOST_MS) return "lost";
  return silentMs >= DOUBTFUL_MS ? "doubtful" : "answers";
}

/** For logs, health reports and doubts. */
export function describeSilence(silentMs: number): string {
  return `the bus has not answered for ${(silentMs / 1_000).toFixed(1)} s`;
}
