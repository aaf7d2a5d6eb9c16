import { readDecisions } from "../../bus/decisions.ts";
import type { Config } from "../../config/variables.ts";
import { InvalidInputError, NotFoundError } from "../../domain/errors.ts";
import { isWorkerId } from "../../domain/ids.ts";
import type { Decision } from "../../messages/decision.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { type Format, printListing, spanText } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { oneLine } from "./execution.ts";

/**
 * `batuta explain worker ID`: its changes of state with their reasons, and what was moved away from it.
 *
 * @throws NotFoundError when nothing was decided about it in the last 24 hours.
 */
export async function explainWorker(
  config: Config,
  id: string,
  { output, last }: { readonly output: Format; readonly last: number },
  terminal: Terminal,
): Promise<ExitCode> {
  if (!isWorkerId(id)) {
    const given = JSON.stringify(id);
    throw new InvalidInputError(`${given} is no id of a worker: 1 to 64 of A-Z a-z 0-9 _ -`);
  }
  await using bus = await openPreparedBus(config);
  const records = await readDecisions(bus, {
    kinds: ["health", "drain", "redistribute"],
    is: ({ about }) => about.workerId === id,
    last,
  });
  if (records.length === 0)
    throw new NotFoundError(
      `nothing was decided about worker ${id} in the last 24 hours: \`batuta workers --all\` lists those that are known`,
    );
  await printListing(terminal, output, {
    records,
    columns: ["TIME", "KIND", "DECISION", "REASONS"],
    cells: ({ at, kind, choice, reasons }) => [
      at.slice(11, 19),
      kind,
      choiceText(kind, choice),
      oneLine(reasons.join("; ")),
    ],
  });
  return EXIT.ok;
}

function choiceText(kind: Decision["kind"], choice: unknown): string {
  const { from, to, order, deadlineMs } = (choice ?? {}) as {
    readonly from?: string | null;
    readonly to?: string;
    readonly order?: readonly string[];
    readonly deadlineMs?: number;
  };
  if (kind === "redistribute") return `${order?.length ?? 0} tasks moved`;
  const within = deadlineMs === undefined ? "" : ` within ${spanText(deadlineMs)}`;
  return `${from ?? "new"} -> ${to}${within}`;
}
