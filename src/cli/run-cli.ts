import type { Command, CommanderError } from "commander";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { buildProgram } from "./program.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Runs one command line, without the names of node and script, and returns its exit code. Never
 * rejects: failures are told on the terminal.
 */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const finish = (code: ExitCode) => {
    exitCode = code;
  };
  const program = buildProgram({ terminal, finish });
  prepare(program, terminal);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (thrown) {
    if (isCommanderError(thrown)) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return tell(thrown, terminal);
  }
}

/** Commander throws instead of ending the process, and writes to the terminal. */
function prepare(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.print(text.trimEnd()),
    writeErr: (text) => terminal.say(text.trimEnd()),
  });
  for (const each of command.commands) prepare(each, terminal);
}

async function tell(thrown: unknown, terminal: Terminal): Promise<ExitCode> {
  const { wantsStacks } = await import("./config.ts");
  const { explainFailure } = await import("./failure.ts");
  const { exitCode, lines } = explainFailure(thrown, wantsStacks());
  const [first = "", ...rest] = lines;
  terminal.say(terminal.paintSaid("red", first));
  for (const line of rest) terminal.say(line);
  return exitCode;
}

function isCommanderError(thrown: unknown): thrown is CommanderError {
  return (
    thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("commander.")
  );
}
