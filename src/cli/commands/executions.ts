import { type Command, Option } from "commander";
import { LISTED_STATUSES } from "../../messages/execution-view.ts";
import type { ListOptions } from "../executions/list.ts";
import { type FlagValues, optionsFor, outputOption } from "../flags.ts";
import { teach } from "../help.ts";
import type { Format } from "../output.ts";
import { type CommandContext, newCommand, wholeNumber } from "./command.ts";

type Options = { readonly output: Format } & FlagValues;

/** `batuta executions …`: look at executions and stop them. They need the bus only, no HTTP. */
export function executionsCommand(context: CommandContext): Command {
  const about = "list, show, follow, cancel, pause and retry executions";
  const command = newCommand("executions", about);
  const children = [
    listCommand(context),
    getCommand(context),
    cancelCommand(context),
    pauseCommand(context),
    resumeCommand(context),
    retryCommand(context),
    followCommand(context),
    explainCommand(context),
  ];
  for (const child of children) {
    child.addOption(outputOption());
    for (const option of optionsFor("url", "prefix")) child.addOption(option);
    command.addCommand(child);
  }
  return teach(command, {
    examples: [
      ["batuta executions ls --status failed", "what went wrong in the last 24 hours"],
      ["batuta executions get order-4711", "one, with its output or its error"],
      ["batuta executions cancel order-4711 --reason 'ordered twice'", "queued or running"],
      ["batuta executions pause order-4711", "nothing more of it is started until resume"],
      ["batuta executions retry order-4711", "once what made it fail is mended"],
      ["batuta executions follow order-4711", "its events, and its result once it ends"],
    ],
    exits: ["ok", "failed", "usage", "unreachable", "notFound", "timeout"],
  });
}

function listCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("ls", "list those that run, wait for a retry, or have ended");
  const status = new Option("--status <status>", "only these");
  command.addOption(status.choices(LISTED_STATUSES));
  command.option("--flow-id <id>", "only those of this flow");
  command.option("--limit <n>", "how many at the most", wholeNumber(1), 50);
  command.option("--cursor <cursor>", "goes on where a page has ended", wholeNumber(1));
  return command.action(async (options: ListOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { list } = await import("../executions/list.ts");
    finish(await list(configOf(options), options, terminal));
  });
}

function getCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("get", "show one; exit code 4 when it is not there");
  command.argument("<id>", "the executionId");
  return command.action(async (id: string, options: Options) => {
    const { configOf } = await import("../config.ts");
    const { get } = await import("../executions/get.ts");
    finish(await get(configOf(options), id, options, terminal));
  });
}

function cancelCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("cancel", "cancel one; exit code 1 when it had ended before");
  command.argument("<id>", "the executionId");
  command.option("--reason <text>", "kept in its result", "cancelled by an operator");
  return command.action(async (id: string, options: Options & { readonly reason: string }) => {
    const { configOf } = await import("../config.ts");
    const { cancel } = await import("../executions/cancel.ts");
    finish(await cancel(configOf(options), id, options, terminal));
  });
}

function pauseCommand(context: CommandContext): Command {
  const command = newCommand("pause", "start nothing more of them; exit code 1 when one had ended");
  command.option("--reason <text>", "told in the event", "paused by an operator");
  return pauseAction(command, "pause", context);
}

function resumeCommand(context: CommandContext): Command {
  const command = newCommand("resume", "let paused ones go on; exit code 1 when one had ended");
  command.option("--reason <text>", "told in the event", "resumed by an operator");
  return pauseAction(command, "resume", context);
}

function pauseAction(
  command: Command,
  action: "pause" | "resume",
  { terminal, finish }: CommandContext,
): Command {
  command.argument("<id...>", "executionIds");
  return command.action(async (ids: string[], options: Options & { readonly reason: string }) => {
    const { configOf } = await import("../config.ts");
    const { pauseOrResume } = await import("../executions/pause.ts");
    finish(await pauseOrResume(configOf(options), action, ids, options, terminal));
  });
}

function retryCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("retry", "run failed ones again: replays their dead letters");
  command.argument("<id...>", "executionIds");
  return command.action(async (ids: string[], options: Options) => {
    const { configOf } = await import("../config.ts");
    const { act } = await import("../dlq/act.ts");
    const replay = { ...options, all: false, yes: true, dryRun: false };
    finish(await act(configOf(options), "replay", ids, replay, terminal));
  });
}

function explainCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("explain", "why it waited, moved or failed; as `batuta explain ID`");
  command.argument("<id>", "the executionId");
  return command.action(async (id: string, options: Options) => {
    const { configOf } = await import("../config.ts");
    const { explainOne } = await import("../explain/execution.ts");
    finish(await explainOne(configOf(options), id, options, terminal));
  });
}

function followCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("follow", "print its events from now on, and its result");
  command.argument("<id>", "the executionId");
  return command.action(async (id: string, options: Options) => {
    const { configOf } = await import("../config.ts");
    const { follow } = await import("../executions/follow.ts");
    finish(await follow(configOf(options), id, options, terminal));
  });
}
