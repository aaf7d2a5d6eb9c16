import { ulid } from "ulid";
import type { Execution } from "../../client/execution.ts";
import type { Config } from "../../config/variables.ts";
import { WaitTimeoutError } from "../../domain/errors.ts";
import type { Lane } from "../../domain/lane.ts";
import type { ExecutionResult } from "../../messages/result.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openBus } from "../inspect/open-bus.ts";
import { type Format, printRecord } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { checkFlow } from "./check-flow.ts";
import { composeMessage } from "./compose-message.ts";
import { publishFlow, type Submitted } from "./publish.ts";
import { readInput } from "./read-input.ts";
import { printUntilEnded } from "./until-ended.ts";

export interface SubmitOptions {
  readonly output: Format;
  readonly lane?: Lane;
  readonly executionId?: string;
  readonly flowId?: string;
  readonly input: readonly string[];
  /** Milliseconds; true waits without limit. */
  readonly wait?: number | true;
  readonly follow: boolean;
  /** false publishes without looking at the flow. */
  readonly check: boolean;
}

/** `batuta submit FILE`: publishes a flow; waits for its end if asked to. */
export async function submit(
  config: Config,
  file: string,
  options: SubmitOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  if (file === "-" && process.stdin.isTTY)
    terminal.say("reading the flow from here; Ctrl-D ends it");
  const text = await readInput(file, process.stdin);
  const composed = composeMessage(text, options, ulid);
  const warnings = options.check ? checkFlow(composed) : [];
  for (const warning of warnings) terminal.say(`warning: ${warning}`);
  await using bus = await openBus(config);
  const submitted = await publishFlow(bus, composed);
  if (submitted.duplicate)
    terminal.say("this executionId was published before; nothing new was added");
  const waits = options.follow || options.wait !== undefined;
  if (options.output === "table" || !waits)
    printAccepted(submitted, composed.lane, options, terminal);
  // Awaited here: the bus is closed when this function returns.
  if (!waits) return EXIT.ok;
  const events = options.follow ? submitted.events : undefined;
  const ended = resultWithin(submitted.execution, file, options.wait);
  return await printUntilEnded(events, ended, options.output, terminal);
}

function printAccepted(
  { execution, stream, sequence, duplicate }: Submitted,
  lane: Lane,
  { output }: SubmitOptions,
  terminal: Terminal,
): void {
  const record = {
    executionId: execution.id,
    lane,
    status: "accepted",
    stream,
    sequence,
    duplicate,
  };
  printRecord(terminal, output, record, [execution.id]);
}

async function resultWithin(
  execution: Execution,
  file: string,
  wait: number | true | undefined,
): Promise<ExecutionResult> {
  if (typeof wait !== "number") return execution.result();
  try {
    return await execution.result({ timeoutMs: wait });
  } catch (error) {
    if (!(error instanceof WaitTimeoutError)) throw error;
    const again = `batuta submit ${file} --execution-id ${execution.id} --wait`;
    throw new WaitTimeoutError(`${error.message}. To wait for it again: \`${again}\``, {
      cause: error,
    });
  }
}
