import type { TestProject } from "vitest/node";
import { provideNats } from "./nats-provider.ts";

/**
 * One server for all tests of a project. Without one the tests are skipped with the reason, loudly;
 * with CI set the run fails.
 */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const { natsLine } = project.getProvidedContext();
  try {
    const { nats, from, stop } = await provideNats(natsLine);
    say(`${project.name}: nats-server ${nats.version} at ${nats.url} (${from})`);
    project.provide("nats", nats);
    return stop;
  } catch (error) {
    if (process.env.CI) throw error;
    const missing = error instanceof Error ? error.message : String(error);
    say(`!!! ${project.name}: ALL TESTS ARE SKIPPED: ${missing}`);
    project.provide("nats", { missing });
    return undefined;
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
