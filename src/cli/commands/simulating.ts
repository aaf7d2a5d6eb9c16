import { type Command, Option } from "commander";
import { LOADS } from "../../domain/simulation/load.ts";
import { outputOption } from "../flags.ts";
import { teach } from "../help.ts";
import type { SimulateOptions } from "../simulate/simulate.ts";
import { type CommandContext, duration, newCommand, wholeNumber } from "./command.ts";

/** `batuta simulate`: settings of scaling on a reckoned clock. Needs no server and starts nothing. */
export function simulateCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("simulate", "try settings of scaling on a load, without any server");
  command.option(
    "--from <file>",
    "a recording, - for standard input: arrivals, or decisions to replay",
  );
  command.addOption(new Option("--load <name>", "a load made up").choices(LOADS).default("sine"));
  command.option("--rate <n>", "executions per second, the mean", wholeNumber(1), 35);
  command.option("--service <time>", "how long one keeps a slot, the mean", duration, 1_000);
  command.option("--hours <n>", "how long", wholeNumber(1), 4);
  command.option("--seed <n>", "the same seed, the same load", wholeNumber(0), 1);
  command.option("--boot <time>", "from a decision until a worker takes tasks", duration, 3_000);
  command.option("--slots <n>", "of each worker", wholeNumber(1));
  command.option("--min <n>", "the fewest workers", wholeNumber(0));
  command.option("--max <n>", "the most workers", wholeNumber(1));
  command.option(
    "--policy <wish...>",
    "default, seed, or settings like upLoad=0.8 downCooldownMs=5m",
  );
  command.option("--compare", "beside the rule of the seed", false);
  command.addOption(outputOption());
  command.action(async (options: SimulateOptions) => {
    const { simulateCommandLine } = await import("../simulate/simulate.ts");
    finish(await simulateCommandLine(options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta simulate --compare", "the settings as they are, and the rule of the seed"],
      ["batuta simulate --load burst --rate 100 --boot 45s", "with workers that take their time"],
      ["batuta simulate --policy downLoad=0.6 downCooldownMs=30s", "what if"],
      [
        "batuta explain scale --last 1000 -o jsonl | batuta simulate --from -",
        "replay what was decided",
      ],
      [
        "batuta simulate --from arrivals.jsonl --max 40",
        'lines like {"atMs":0,"lane":"high","serviceMs":80}',
      ],
    ],
    exits: ["ok", "failed", "usage", "notFound"],
  });
}
