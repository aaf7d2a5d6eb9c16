import { type Command, Option } from "commander";
import { type FlagValues, optionsFor, outputOption } from "../flags.ts";
import { teach } from "../help.ts";
import type { InstallOptions, StartOptions } from "../nats/manage.ts";
import type { Format } from "../output.ts";
import { type CommandContext, newCommand, wholeNumber } from "./command.ts";

/** `batuta nats …`: the nats-server program and a server that stays. */
export function natsCommand(context: CommandContext): Command {
  const command = newCommand("nats", "install, start and stop a nats-server");
  for (const make of [installCommand, startCommand, stopCommand, statusCommand]) {
    command.addCommand(make(context).addOption(outputOption()));
  }
  return teach(command, {
    examples: [
      ["batuta nats install", "into the cache; nothing else of the machine is changed"],
      ["batuta nats start", "on port 4222, data in .batuta/nats; stays until `batuta nats stop`"],
      ["batuta nats status", "exit code 4 when none runs"],
    ],
    environment: [
      ["BATUTA_NATS_SERVER_BIN", "the program to start, else nats-server on PATH, else the cache"],
      ["BATUTA_DATA_DIR", "where a server keeps its data, .batuta"],
      ["BATUTA_CACHE_DIR", "where install puts the program, ~/.cache/batuta"],
    ],
    exits: ["ok", "usage", "unreachable", "notFound"],
  });
}

function installCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("install", "put a nats-server program into the cache, once");
  command.option("--quiet", "print nothing unless it fails", false);
  const line = new Option("--line <line>", "which release line").choices(["newest", "2.9"]);
  command.addOption(line.default("newest"));
  return command.action(async (options: InstallOptions) => {
    const { configOf } = await import("../config.ts");
    const { install } = await import("../nats/manage.ts");
    finish(await install(configOf({}), options, terminal));
  });
}

function startCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("start", "start a nats-server that stays");
  command.option("--port <port>", "default 4222", wholeNumber(1));
  for (const option of optionsFor("dataDir", "durability")) command.addOption(option);
  return command.action(async (options: StartOptions & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { start } = await import("../nats/manage.ts");
    finish(await start(configOf(options), options, terminal));
  });
}

function stopCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("stop", "stop the one that `batuta nats start` started");
  for (const option of optionsFor("dataDir")) command.addOption(option);
  return command.action(async (options: { output: Format } & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { stop } = await import("../nats/manage.ts");
    finish(await stop(configOf(options), options, terminal));
  });
}

function statusCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand(
    "status",
    "tell what runs on the data directory, or on BATUTA_NATS_URL",
  );
  for (const option of optionsFor("dataDir", "url")) command.addOption(option);
  return command.action(async (options: { output: Format } & FlagValues) => {
    const { configOf } = await import("../config.ts");
    const { status } = await import("../nats/manage.ts");
    finish(await status(configOf(options), options, terminal));
  });
}
