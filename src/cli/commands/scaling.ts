import type { Command } from "commander";
import { type FlagValues, optionsFor, outputOption } from "../flags.ts";
import { teach } from "../help.ts";
import type { ScaleOptions } from "../operate/scale.ts";
import { type CommandContext, newCommand } from "./command.ts";

/** `batuta scale`: straight over the bus, no HTTP. */
export function scaleCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("scale", "tell how many workers there are and why, or change it");
  command.argument(
    "[wish]",
    "a number to keep, `auto` to go by the load, `pause` to hold the count",
  );
  command.option("--min <n>", "the fewest workers from now on; `setting` takes back the setting's");
  command.option("--max <n>", "the most workers from now on; `setting` takes back the setting's");
  command.option("--reason <text>", "kept with the wish, for those who ask why");
  command.addOption(outputOption());
  for (const option of optionsFor("url", "prefix")) command.addOption(option);
  command.action(async (wish: string | undefined, options: ScaleOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { scale } = await import("../operate/scale.ts");
    finish(await scale(configOf(options), wish, options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta scale", "how many workers there are, how many there shall be, and why"],
      ["batuta scale 8 --reason 'campaign at noon'", "eight, until somebody says otherwise"],
      ["batuta scale auto", "by the load again"],
      ["batuta scale pause", "whoever is there stays, nobody comes"],
      ["batuta scale --max 50", "a new upper limit, for every orchestrator to come"],
    ],
    exits: ["ok", "usage", "unreachable", "timeout"],
  });
}
