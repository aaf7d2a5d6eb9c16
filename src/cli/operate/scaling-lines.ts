import type { ScalingView } from "../../messages/scaling.ts";
import { ageText, spanText } from "../output.ts";

/** How scaling stands, for people. */
export function scalingLines(view: ScalingView, now = Date.now()): readonly string[] {
  const { desiredWorkers, actualWorkers, startingWorkers, minWorkers, maxWorkers } = view;
  const starting = startingWorkers > 0 ? ` (${startingWorkers} starting)` : "";
  return [
    `workers      ${actualWorkers}${starting} of ${desiredWorkers} wanted, ${minWorkers} to ${maxWorkers} allowed`,
    `mode         ${modeText(view, now)}`,
    `provisioner  ${view.provisioner}, ${view.state}${troubleText(view)}`,
    `load         ${loadText(view)}`,
    ...decisionLines("last", view.lastDecision, now),
    ...decisionLines("last change", view.lastChange, now),
  ];
}

function modeText({ mode, wish }: ScalingView, now: number): string {
  if (wish.at === null) return mode;
  const why = wish.reason === "" ? "" : `: ${wish.reason}`;
  return `${mode}, set ${ageText(Date.parse(wish.at), now)} ago${why}`;
}

function troubleText({ trouble }: ScalingView): string {
  return trouble === null ? "" : `; ${trouble.failures} failures in a row: ${trouble.error}`;
}

function loadText({ load }: ScalingView): string {
  const { lanes, meanLoad, arrivalsPerS, meanServiceMs, unplaceable } = load;
  const waiting = lanes.map(({ lane, waiting }) => `${lane} ${waiting}`).join(", ");
  return [
    `waiting ${waiting || "unknown"}`,
    `mean load ${meanLoad === null ? "unknown" : `${Math.round(meanLoad * 100)} %`}`,
    `${arrivalsPerS.toFixed(1)} executions/s come in`,
    meanServiceMs === null ? "" : `each takes ${spanText(meanServiceMs)}`,
    unplaceable > 0 ? `${unplaceable} that no live worker can run` : "",
  ]
    .filter((part) => part !== "")
    .join("; ");
}

function decisionLines(
  name: string,
  decision: ScalingView["lastDecision"],
  now: number,
): readonly string[] {
  if (decision === null) return [];
  const { at, action, count, desired, reasons } = decision;
  const move = action === "hold" ? `hold at ${count}` : `${action} from ${count} to ${desired}`;
  return [`${name.padEnd(13)}${ageText(Date.parse(at), now)} ago: ${move}: ${reasons.join("; ")}`];
}
