import { type Command, Option } from "commander";
import { DEAD_LETTER_REASONS } from "../../domain/dead-letter.ts";
import { LANES } from "../../domain/lane.ts";
import type { ActOptions } from "../dlq/act.ts";
import type { GetOptions, ListOptions } from "../dlq/show.ts";
import { type FlagValues, optionsFor, outputOption } from "../flags.ts";
import { type Lesson, teach } from "../help.ts";
import { type CommandContext, newCommand, wholeNumber } from "./command.ts";

/** `batuta dlq …`: the dead letters. They need the bus only, no orchestrator. */
export function dlqCommand(context: CommandContext): Command {
  const command = newCommand("dlq", "list, show, replay and purge dead letters");
  const make = [listCommand, getCommand, replayCommand, purgeCommand];
  for (const each of make) {
    const sub = each(context).addOption(outputOption());
    for (const option of optionsFor("url", "prefix")) sub.addOption(option);
    command.addCommand(sub);
  }
  return teach(command, {
    examples: [
      ["batuta dlq ls", "what was given up, oldest first"],
      ["batuta dlq get exec-456", "why, all attempts, and the original message"],
      ["batuta dlq replay exec-456", "run it again, under the same executionId"],
      ["batuta dlq replay --reason unsupported --yes", "all that no worker could run then"],
      ["batuta dlq purge --until 14d --yes", "delete what is older than two weeks"],
    ],
    exits: ["ok", "failed", "usage", "unreachable", "notFound"],
  });
}

function listCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("ls", "list dead letters, oldest first");
  for (const option of filterOptions()) command.addOption(option);
  command.option("--limit <n>", "at most so many", wholeNumber(1), 50);
  command.option("--cursor <n>", "go on after this one; told when there are more", wholeNumber(0));
  command.action(async (options: ListOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { list } = await import("../dlq/show.ts");
    finish(await list(configOf(options), options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta dlq ls --reason max_attempts --since 2h", "what failed for good in two hours"],
      ["batuta dlq ls -o jsonl | jq -r .executionId", "for scripts"],
    ],
    exits: ["ok", "usage", "unreachable"],
  });
}

function getCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("get", "show the newest dead letter of an execution, complete");
  command.argument("<id>", "the executionId");
  command.action(async (id: string, options: GetOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { get } = await import("../dlq/show.ts");
    finish(await get(configOf(options), id, options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta dlq get exec-456", "reason, attempts, headers and body"],
      ["batuta dlq get exec-456 -o json | jq .message.data", "the message, to submit it changed"],
    ],
    exits: ["ok", "usage", "unreachable", "notFound"],
  });
}

function replayCommand(context: CommandContext): Command {
  const command = actCommand(context, "replay", "send messages into their lanes again");
  return teach(command, {
    examples: [
      ["batuta dlq replay exec-456", "one; its terminal record is removed, and it runs again"],
      ["batuta dlq replay --flow flow-123 --since 1d", "shows what it would replay"],
      ["batuta dlq replay --flow flow-123 --since 1d --yes", "… and does it"],
    ],
    ...ACT_LESSON,
  });
}

function purgeCommand(context: CommandContext): Command {
  const command = actCommand(context, "purge", "delete dead letters; terminal records stay");
  return teach(command, {
    examples: [
      ["batuta dlq purge exec-456", "one"],
      ["batuta dlq purge --all", "shows what it would delete"],
      ["batuta dlq purge --reason invalid --yes", "all that could never run"],
    ],
    ...ACT_LESSON,
  });
}

const ACT_LESSON: Pick<Lesson, "exits"> = {
  exits: ["ok", "failed", "usage", "unreachable", "notFound"],
};

function actCommand(
  { terminal, finish }: CommandContext,
  name: "replay" | "purge",
  summary: string,
): Command {
  const command = newCommand(name, summary);
  command.argument("[ids...]", "executionIds; else select with the options below");
  for (const option of filterOptions()) command.addOption(option);
  command.option("--all", "every dead letter", false);
  command.option("--yes", "do it; without, only explicit ids are acted on", false);
  command.option("--dry-run", "show what would be done, and do nothing", false);
  command.action(async (ids: string[], options: ActOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { act } = await import("../dlq/act.ts");
    finish(await act(configOf(options), name, ids, options, terminal));
  });
  return command;
}

function filterOptions(): readonly Option[] {
  return [
    new Option("--lane <lane>", "only of this lane").choices(LANES),
    new Option("--reason <reason>", "only with this reason").choices(DEAD_LETTER_REASONS),
    new Option("--flow <id>", "only of this flow"),
    new Option("--since <when>", "given up since: 2h, 7d, or 2026-01-31T08:00:00Z"),
    new Option("--until <when>", "given up before: 2h, 7d, or 2026-01-31T08:00:00Z"),
  ];
}
