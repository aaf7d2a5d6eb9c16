import { requestScaling } from "../../bus/request-scaling.ts";
import type { Config } from "../../config/variables.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import type { ScalingRequest, ScalingView } from "../../messages/scaling.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { type Format, printRecord } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { scalingLines } from "./scaling-lines.ts";

export interface ScaleOptions {
  readonly output: Format;
  readonly min?: string;
  readonly max?: string;
  readonly reason?: string;
}

/** `batuta scale [n|auto|pause]`: changes what is wanted, if anything, and tells how it stands. */
export async function scale(
  config: Config,
  wish: string | undefined,
  options: ScaleOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const change = changeOf(wish, options);
  await using bus = await openPreparedBus(config);
  const view: ScalingView = await requestScaling(bus, change);
  printRecord(terminal, options.output, view, scalingLines(view));
  return EXIT.ok;
}

/**
 * What the words of the command ask for; undefined when they only ask how it stands.
 *
 * @throws InvalidInputError that says what is accepted.
 */
function changeOf(
  wish: string | undefined,
  { min, max, reason }: Omit<ScaleOptions, "output">,
): ScalingRequest | undefined {
  const change = {
    ...modeOf(wish),
    ...(min === undefined ? {} : { minWorkers: limitOf("--min", min) }),
    ...(max === undefined ? {} : { maxWorkers: limitOf("--max", max) }),
  };
  if (Object.keys(change).length > 0) return { ...change, ...(reason ? { reason } : {}) };
  if (reason === undefined) return undefined;
  throw new InvalidInputError("--reason goes with a change: a number, auto, pause, --min or --max");
}

function modeOf(wish: string | undefined): Pick<ScalingRequest, "mode" | "workers"> {
  if (wish === undefined) return {};
  if (wish === "auto") return { mode: "auto" };
  if (wish === "pause") return { mode: "paused" };
  const workers = countOf(wish);
  if (workers !== undefined) return { mode: "fixed", workers };
  const given = JSON.stringify(wish);
  throw new InvalidInputError(`${given}: scale accepts a number of workers, auto or pause`);
}

function limitOf(name: string, text: string): number | null {
  if (text === "setting") return null;
  const count = countOf(text);
  if (count !== undefined) return count;
  const given = JSON.stringify(text);
  throw new InvalidInputError(`${name} ${given}: a number of workers or "setting" is accepted`);
}

function countOf(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) ? Number(text) : undefined;
}
