import { spawnSync } from "node:child_process";
import { test } from "vitest";

export function isInstalled(program: string): boolean {
  return spawnSync(program, ["--help"]).error === undefined;
}

/**
 * `test` where something is there, and otherwise one that only says that it was not tried. Such a test is not
 * skipped: with CI set no test may be, and a machine without Docker has none of its commands.
 */
export function testWith(isThere: boolean, what: string): typeof test {
  const notTried = (name: string) =>
    void process.stderr.write(`NOT TRIED: "${name}", since there is no ${what} here\n`);
  const each = () => notTried;
  return isThere ? test : (Object.assign(notTried, { each }) as unknown as typeof test);
}
