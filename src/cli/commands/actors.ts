import { type Command, Option } from "commander";
import { EXPORT_FORMATS, type ExportOptions } from "../actors/export-formats.ts";
import type { GetOptions } from "../actors/get.ts";
import type { ListOptions } from "../actors/list.ts";
import type { WatchOptions } from "../actors/watch.ts";
import { type FlagValues, optionsFor, outputOption } from "../flags.ts";
import { teach } from "../help.ts";
import { type CommandContext, newCommand, wholeNumber } from "./command.ts";

/** The commands that show actors: over the bus, from all processes. */
export function actorsCommand(context: CommandContext): Command {
  const command = newCommand("actors", "show the actors of all processes, live");
  for (const each of [ls(context), get(context), watch(context), exporting(context)])
    command.addCommand(
      optionsFor("url", "prefix").reduce((next, option) => next.addOption(option), each),
    );
  return teach(command, {
    examples: [
      ["batuta actors ls --machine worker --state degraded", "which workers are degraded"],
      ["batuta actors get worker/w-1", "all that is told of one: state, timers, context"],
      ["batuta actors watch worker", "changes of state of all workers, as they happen"],
      ["batuta actors export worker --format svg --out worker.svg", "a statechart as a picture"],
    ],
    exits: ["ok", "usage", "unreachable", "notFound", "timeout"],
  });
}

function ls({ terminal, finish }: CommandContext): Command {
  const command = newCommand("ls", "list actors");
  command.option("--machine <name>", "only of this machine: worker, supervisor, execution, …");
  command.option("--node <id>", "only of this process");
  command.option("--state <state>", "only in this state, or in one within it");
  command.addOption(outputOption());
  command.action(async (options: ListOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { listActors } = await import("../actors/list.ts");
    finish(await listActors(configOf(options), options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta actors ls", "all of them"],
      ["batuta actors ls -o json | jq -r '.[].address'", "for scripts"],
    ],
    exits: ["ok", "usage", "unreachable", "timeout"],
  });
}

function get({ terminal, finish }: CommandContext): Command {
  const command = newCommand("get", "show all about one actor");
  command.argument("<address>", "like worker/w-1, supervisor, execution/order-1");
  command.option("--node <id>", "as this process has it; default: the leader's");
  command.addOption(outputOption());
  command.action(async (address: string, options: GetOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { getActor } = await import("../actors/get.ts");
    finish(await getActor(configOf(options), address, options, terminal));
  });
  return teach(command, {
    examples: [["batuta actors get supervisor", "the leader's supervisor"]],
    exits: ["ok", "usage", "unreachable", "notFound", "timeout"],
  });
}

function watch({ terminal, finish }: CommandContext): Command {
  const command = newCommand("watch", "watch what actors do, until Ctrl-C");
  command.argument("[address]", "one actor, or all below: worker, worker/w-1", "");
  command.option("--events", "every event, not only changes of state", false);
  command.option("--node <id>", "only of this process");
  command.option("--limit <n>", "end after so many lines", wholeNumber(1));
  command.addOption(outputOption());
  command.action(async (address: string, options: WatchOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { watchActors } = await import("../actors/watch.ts");
    finish(await watchActors(configOf(options), address, options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta actors watch", "all changes of state"],
      ["batuta actors watch worker/w-1 --events", "every event of one"],
    ],
    exits: ["ok", "usage", "unreachable"],
  });
}

function exporting({ terminal, finish }: CommandContext): Command {
  const command = newCommand("export", "write a statechart: json, mermaid, svg or stately");
  command.argument("<name>", "a machine (worker, supervisor, …) or the address of an actor");
  command.addOption(
    new Option("--format <format>", "stately is what Stately Studio imports")
      .choices(EXPORT_FORMATS)
      .default("mermaid"),
  );
  command.option("--out <file>", "default: standard output");
  command.action(async (name: string, options: ExportOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { exportMachine } = await import("../actors/export.ts");
    finish(await exportMachine(configOf(options), name, options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta actors export worker --format svg --out worker.svg", "a picture"],
      ["batuta actors export supervisor --format stately", "for Stately's editor"],
    ],
    exits: ["ok", "usage", "unreachable", "notFound", "timeout"],
  });
}
