import { type Command, Option } from "commander";
import { type FlagValues, optionsFor, outputOption } from "../flags.ts";
import { teach } from "../help.ts";
import type { SubmitOptions } from "../submit/submit.ts";
import { type CommandContext, collect, duration, newCommand } from "./command.ts";

/** The command that publishes a flow. */
export function submitCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("submit", "publish a flow, and wait for its end if you like");
  command.argument("<file>", "a flow as JSON, or a whole execute message; - reads standard input");
  for (const option of submitOptions()) command.addOption(option);
  for (const option of optionsFor("url", "prefix")) command.addOption(option);
  command.addOption(outputOption());
  command.action(async (file: string, options: SubmitOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { submit } = await import("../submit/submit.ts");
    finish(await submit(configOf(options), file, options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta submit flow.json", "publishes it and prints its executionId"],
      ["batuta submit flow.json --wait 30s", "… and then its result; exit code 5 after 30 s"],
      ["batuta submit flow.json --follow", "… with its events as they come"],
      ["batuta submit flow.json --input total=250 --lane high", "with inputs, in the fast lane"],
      ["generate-flow | batuta submit - --wait -o json | jq .output", "in a pipe"],
    ],
    environment: [["BATUTA_NATS_URL", "the NATS server, else nats://127.0.0.1:4222"]],
    exits: ["ok", "failed", "usage", "unreachable", "notFound", "timeout"],
  });
}

function submitOptions(): readonly Option[] {
  return [
    new Option("--lane <lane>", "high, normal or low: wins over the message's priority").choices([
      "high",
      "normal",
      "low",
    ]),
    new Option("--input <name=value>", "an input; the value is read as JSON where it is JSON")
      .argParser(collect)
      .default([], "none"),
    new Option("--wait [time]", "wait for the result, at most so long").argParser(duration),
    new Option("--follow", "print its events as they come, and wait for the result").default(false),
    new Option("--execution-id <id>", "submitting the same id again gives the one execution"),
    new Option("--flow-id <id>", "default: the name of the flow"),
    new Option("--no-check", "publish without checking the flow here first"),
  ];
}
