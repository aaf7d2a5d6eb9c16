import type { Command } from "commander";
import { EXIT, EXIT_MEANINGS, type ExitName } from "./exit-codes.ts";

/** What `--help` of a command teaches below its options. */
export interface Lesson {
  /** A command line, and what it is for. */
  readonly examples: readonly (readonly [command: string, purpose: string])[];
  /** The settings that matter here, beyond those that have a flag. */
  readonly environment?: readonly (readonly [name: string, meaning: string])[];
  readonly exits: readonly ExitName[];
}

/** Adds the lesson to a command's help. */
export function teach(command: Command, lesson: Lesson): Command {
  return command.addHelpText("after", `\n${lessonText(lesson)}`);
}

function lessonText({ examples, environment = [], exits }: Lesson): string {
  const codes = exits.map((name) => [String(EXIT[name]), EXIT_MEANINGS[name]] as const);
  const sections = [
    section("Examples:", examples),
    section("Environment:", environment),
    section("Exit codes:", codes),
  ];
  return sections.filter((text) => text !== "").join("\n\n");
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([left]) => left.length));
  return [title, ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)].join("\n");
}
