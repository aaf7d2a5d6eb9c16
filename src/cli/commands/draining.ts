import type { Command } from "commander";
import { type FlagValues, optionsFor, outputOption } from "../flags.ts";
import { teach } from "../help.ts";
import type { DrainOptions } from "../operate/drain.ts";
import { type CommandContext, duration, newCommand } from "./command.ts";

/** `batuta drain`: straight over the bus, no HTTP. */
export function drainCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("drain", "let workers finish what they run, and leave");
  command.argument("[worker...]", "ids of workers; exit code 4 when one is not known");
  command.option("--all", "every live worker", false);
  command.option(
    "--timeout <time>",
    "how long they may take; what is not finished then goes to other workers",
    duration,
    30_000,
  );
  command.option("--no-wait", "order it, and do not wait until they are offline");
  command.option("--reason <text>", "told in their states and logs", "drained by command");
  command.addOption(outputOption());
  for (const option of optionsFor("url", "prefix")) command.addOption(option);
  command.action(async (ids: string[], options: DrainOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { drain } = await import("../operate/drain.ts");
    finish(await drain(configOf(options), ids, options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta drain worker-1", "before its machine goes: wait until it is offline"],
      ["batuta drain worker-1 worker-2 --timeout 5m", "long executions get the time to finish"],
      ["batuta drain --all --no-wait", "all of them; `batuta workers` tells how far they are"],
    ],
    exits: ["ok", "usage", "unreachable", "notFound", "timeout"],
  });
}
