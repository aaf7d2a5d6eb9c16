import { readDecisions } from "../../bus/decisions.ts";
import type { Config } from "../../config/variables.ts";
import { depthOf, type ScalingDecision, type ScalingFacts } from "../../domain/scaling-facts.ts";
import type { Decision } from "../../messages/decision.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { type Format, printListing } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "./execution.ts";

/** `batuta explain scale`: the last decisions about the number of workers, oldest first. */
export async function explainScale(
  config: Config,
  { output, last }: { readonly output: Format; readonly last: number },
  terminal: Terminal,
): Promise<ExitCode> {
  await using bus = await openPreparedBus(config);
  const records = await readDecisions(bus, { kinds: ["scale"], last });
  if (records.length === 0)
    terminal.say("nothing was decided in the last 24 hours: does an orchestrator run?");
  await printListing(terminal, output, {
    records,
    columns: ["TIME", "WAITING", "LOAD", "WORKERS", "DECISION", "REASONS"],
    cells: cellsOf,
  });
  return EXIT.ok;
}

function cellsOf({ at, inputs, choice, reasons }: Decision): readonly string[] {
  const { facts } = (inputs ?? {}) as { readonly facts?: ScalingFacts };
  const { action, count, desired } = (choice ?? {}) as Partial<ScalingDecision>;
  const load = facts?.meanLoad;
  return [
    at.slice(11, 19),
    facts === undefined ? "?" : String(depthOf(facts)),
    load === null || load === undefined ? "-" : `${Math.round(load * 100)} %`,
    String(count ?? "?"),
    action === undefined || action === "hold" ? (action ?? "?") : `${action} to ${desired}`,
    oneLine(reasons.join("; ")),
  ];
}
