import { Command, InvalidArgumentError } from "commander";
import type { ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** What a command gets of the program: where it writes to, and how it tells its exit code. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly finish: (exitCode: ExitCode) => void;
}

/** A command whose usage errors point to its own help. */
export function newCommand(name: string, summary: string): Command {
  const command = new Command(name).description(summary).summary(summary);
  return command.showHelpAfterError("(--help shows what it takes, with examples)");
}

/** A whole number of at least `min`, for `argParser`. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min) return value;
    throw new InvalidArgumentError(`It accepts a whole number from ${min}.`);
  };
}

const MS_PER: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** "500ms", "15s", "2m", "1h" or plain milliseconds, for `argParser`. */
export function duration(text: string): number {
  const [, amount, unit = "ms"] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (MS_PER[unit] ?? 1));
  if (amount !== undefined && ms <= 2_147_483_647) return ms;
  throw new InvalidArgumentError("It accepts a duration like 500ms, 15s, 2m or 1h.");
}

/** For options that may be given several times. */
export function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}
