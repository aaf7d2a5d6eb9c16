import type { Command } from "commander";
import { type FlagValues, optionsFor, outputOption } from "../flags.ts";
import { teach } from "../help.ts";
import type { Format } from "../output.ts";
import { type CommandContext, newCommand, wholeNumber } from "./command.ts";

type Options = { readonly output: Format } & FlagValues;
type LastOptions = Options & { readonly last: number };

/** `batuta explain …`: from what the orchestrators have taken down. Straight over the bus, no HTTP. */
export function explainCommand(context: CommandContext): Command {
  const command = newCommand("explain", "tell why: of an execution, of scaling, of a worker");
  const children = [executionCommand(context), scaleCommand(context), workerCommand(context)];
  for (const child of children) {
    child.addOption(outputOption());
    for (const option of optionsFor("url", "prefix")) child.addOption(option);
  }
  command.addCommand(children[0] as Command, { isDefault: true });
  for (const child of children.slice(1)) command.addCommand(child);
  return teach(command, {
    examples: [
      [
        "batuta explain order-4711",
        "where it waited, who was considered, which attempt failed how",
      ],
      ["batuta explain scale --last 20", "what was decided about the number of workers, and why"],
      ["batuta explain worker w-3", "its changes of state, and what was moved away from it"],
      ["batuta explain execution scale", "an execution whose id is a word of this command"],
    ],
    exits: ["ok", "usage", "unreachable", "notFound", "timeout"],
  });
}

function executionCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("execution", "why an execution waited, moved or failed");
  command.argument("<id>", "the executionId; decisions are kept for 24 hours");
  return command.action(async (id: string, options: Options) => {
    const { configOf } = await import("../config.ts");
    const { explainOne } = await import("../explain/execution.ts");
    finish(await explainOne(configOf(options), id, options, terminal));
  });
}

function scaleCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("scale", "why there are as many workers as there are");
  command.option("--last <n>", "how many decisions", wholeNumber(1), 10);
  return command.action(async (options: LastOptions) => {
    const { configOf } = await import("../config.ts");
    const { explainScale } = await import("../explain/scale.ts");
    finish(await explainScale(configOf(options), options, terminal));
  });
}

function workerCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("worker", "why a worker is in its state");
  command.argument("<id>", "its id");
  command.option("--last <n>", "how many decisions", wholeNumber(1), 20);
  return command.action(async (id: string, options: LastOptions) => {
    const { configOf } = await import("../config.ts");
    const { explainWorker } = await import("../explain/worker.ts");
    finish(await explainWorker(configOf(options), id, options, terminal));
  });
}
