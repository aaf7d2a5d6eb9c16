import type { Command } from "commander";
import { type FlagValues, optionsFor, outputOption } from "../flags.ts";
import { teach } from "../help.ts";
import type { EventsOptions } from "../inspect/events.ts";
import type { WorkersOptions } from "../inspect/workers.ts";
import type { Format } from "../output.ts";
import { type CommandContext, newCommand, wholeNumber } from "./command.ts";

/** The commands that look: workers, queues, events, doctor. They need the bus only, no HTTP. */
export function watchingCommands(context: CommandContext): readonly Command[] {
  return [
    workersCommand(context),
    queuesCommand(context),
    eventsCommand(context),
    doctorCommand(context),
  ].map((command) =>
    optionsFor("url", "prefix").reduce((each, option) => each.addOption(option), command),
  );
}

function workersCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("workers", "list the workers, or show all about one");
  command.argument("[id]", "one worker; exit code 4 when it is not there");
  command.option("--all", "also those that are offline", false);
  command.addOption(outputOption());
  command.action(async (id: string | undefined, options: WorkersOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { workers } = await import("../inspect/workers.ts");
    finish(await workers(configOf(options), id, options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta workers", "state, load and reasons of each"],
      ["batuta workers worker-1", "all about one; also a health check for its container"],
      ["batuta workers -o json | jq -r '.[].workerId'", "for scripts"],
    ],
    exits: ["ok", "usage", "unreachable", "notFound"],
  });
}

function queuesCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("queues", "show how full the lanes are");
  command.addOption(outputOption());
  command.action(async (options: FlagValues & { output: Format }) => {
    const { configOf } = await import("../config.ts");
    const { queues } = await import("../inspect/queues.ts");
    finish(await queues(configOf(options), options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta queues", "waiting, in flight, oldest and dead letters of each lane"],
      ["batuta queues -o json | jq 'map(.pending) | add'", "the whole backlog"],
    ],
    exits: ["ok", "usage", "unreachable"],
  });
}

function eventsCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("events", "watch executions and workers live, until Ctrl-C");
  command.option("--execution <id>", "only this execution");
  command.option("--worker <id>", "only this worker");
  command.option("--limit <n>", "end after so many events", wholeNumber(1));
  command.addOption(outputOption());
  command.action(async (options: EventsOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { events } = await import("../inspect/events.ts");
    finish(await events(configOf(options), options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta events", "everything that happens from now on"],
      ["batuta events --worker worker-1", "one worker: its states and what it runs"],
      ["batuta events -o jsonl | jq 'select(.kind == \"failed\")'", "one JSON object per line"],
    ],
    exits: ["ok", "usage", "unreachable"],
  });
}

function doctorCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("doctor", "look at what Batuta needs, and tell what to do");
  command.addOption(outputOption());
  command.action(async (options: FlagValues & { output: Format }) => {
    const { configOf } = await import("../config.ts");
    const { doctor } = await import("../doctor/doctor.ts");
    finish(await doctor(configOf(options), options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta doctor", "Node.js, the NATS server, its streams, and RabbitMQ where one is joined"],
      ["batuta doctor -o json | jq '.[] | select(.verdict != \"ok\")'", "what is not well"],
    ],
    environment: [["BATUTA_AMQP_URL", "the RabbitMQ broker, if there is one to look at"]],
    exits: ["ok", "usage", "unreachable"],
  });
}
