import { Command } from "commander";
import { VERSION } from "../processes/version.ts";
import { actorsCommand } from "./commands/actors.ts";
import type { CommandContext } from "./commands/command.ts";
import { dlqCommand } from "./commands/dead-letters.ts";
import { drainCommand } from "./commands/draining.ts";
import { executionsCommand } from "./commands/executions.ts";
import { explainCommand } from "./commands/explaining.ts";
import { natsCommand } from "./commands/nats.ts";
import { scaleCommand } from "./commands/scaling.ts";
import { servingCommands } from "./commands/serving.ts";
import { simulateCommand } from "./commands/simulating.ts";
import { submitCommand } from "./commands/submitting.ts";
import { watchingCommands } from "./commands/watching.ts";
import type { ExitName } from "./exit-codes.ts";
import { teach } from "./help.ts";

const ALL_EXITS: readonly ExitName[] = [
  "ok",
  "failed",
  "usage",
  "unreachable",
  "notFound",
  "timeout",
];

/**
 * The whole command line. Only definitions: what a command does is imported when it is called, so
 * that `--help` costs little.
 */
export function buildProgram(context: CommandContext): Command {
  const program = new Command("batuta")
    .description("Publish flows on NATS; a supervised fleet of workers runs them.")
    .version(VERSION, "-v, --version", "print the version")
    .showHelpAfterError("(batuta --help lists the commands)")
    .helpCommand("help [command]", "the same as `batuta <command> --help`");
  program.commandsGroup("Run:");
  for (const command of servingCommands(context)) program.addCommand(command);
  program.commandsGroup("Use:");
  program.addCommand(submitCommand(context));
  for (const command of watchingCommands(context)) program.addCommand(command);
  program.addCommand(dlqCommand(context));
  program.addCommand(drainCommand(context));
  program.addCommand(scaleCommand(context));
  program.addCommand(executionsCommand(context));
  program.addCommand(explainCommand(context));
  program.addCommand(actorsCommand(context));
  program.addCommand(simulateCommand(context));
  program.commandsGroup("Server:");
  program.addCommand(natsCommand(context));
  return teach(program, {
    examples: [
      ["batuta dev", "start here: everything in one terminal"],
      ["batuta submit flow.json --wait", "run a flow and print its result"],
      ["batuta workers", "who is there, and how they are"],
    ],
    environment: [
      ["BATUTA_NATS_URL", "the NATS server; every command heeds it"],
      ["BATUTA_HTTP_PORT", "port of the HTTP API, 3000"],
      ["BATUTA_WORKER_ID", "id of the worker"],
      ["BATUTA_LOG_LEVEL", "info; debug shows stack traces, too"],
      ["NO_COLOR", "set it for output without colours"],
      ["…", "all others: docs/configuration.md"],
    ],
    exits: ALL_EXITS,
  });
}
