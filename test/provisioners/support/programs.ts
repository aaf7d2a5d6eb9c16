import { spawnSync } from "node:child_process";
import type { TestContext } from "vitest";

/** Skips the test, and says so, where the program is not installed. */
export function needs(context: TestContext, program: string): void {
  if (spawnSync(program, ["--help"]).error === undefined) return;
  const why = `${program} is not installed: "${context.task.name}" was NOT tried`;
  process.stderr.write(`${why}\n`);
  context.skip(why);
}
