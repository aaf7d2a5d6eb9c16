import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import { fakeTerminal } from "./fake-terminal.ts";

/** Runs one command line and gives what it printed. */
async function cli(...args: readonly string[]) {
  const terminal = fakeTerminal();
  const exitCode = await runCli(args, terminal);
  return { exitCode, out: terminal.out(), err: terminal.err() };
}

function allCommands(): readonly { readonly path: string; readonly command: Command }[] {
  const program = buildProgram({ terminal: fakeTerminal(), finish: () => {} });
  const below = (parent: Command, path: string): { path: string; command: Command }[] =>
    parent.commands.flatMap((command) => {
      const own = `${path} ${command.name()}`.trim();
      return [{ path: own, command }, ...below(command, own)];
    });
  return below(program, "");
}

test("--help is data: it lists every command, with examples, settings and exit codes", async () => {
  const { exitCode, out, err } = await cli("--help");
  expect(exitCode).toBe(0);
  expect(err).toBe("");
  for (const name of [
    "dev",
    "run",
    "worker",
    "submit",
    "workers",
    "queues",
    "events",
    "dlq",
    "nats",
  ]) {
    expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
  }
  for (const text of [
    "batuta dev",
    "BATUTA_NATS_URL",
    "NO_COLOR",
    "5  what was waited for did not end",
  ]) {
    expect(out).toContain(text);
  }
});

test.each(["dev", "run", "worker", "submit", "workers", "queues", "events", "dlq", "nats"])(
  "%s --help teaches by examples and tells its exit codes",
  async (name) => {
    const { exitCode, out } = await cli(name, "--help");
    expect(exitCode).toBe(0);
    expect(out).toContain("Examples:\n  ");
    expect(out).toContain(`batuta ${name}`);
    expect(out).toMatch(/^Exit codes:\n {2}0 +all went well$/m);
  },
);

test("--version prints the version of the package", async () => {
  const { version } = JSON.parse(readFileSync(at("package.json"), "utf8"));
  expect(await cli("--version")).toEqual({ exitCode: 0, out: version, err: "" });
});

test("without a command the help goes to standard error, as a usage error", async () => {
  const { exitCode, out, err } = await cli();
  expect(exitCode).toBe(2);
  expect(out).toBe("");
  expect(err).toContain("Usage: batuta");
});

test.each([
  [["sumbit", "flow.json"], "Did you mean submit?"],
  [["submit"], "missing required argument 'file'"],
  [["submit", "flow.json", "--lane", "urgent"], "Allowed choices are high, normal, low"],
  [["submit", "flow.json", "--wait", "soon"], "It accepts a duration like 500ms, 15s, 2m or 1h."],
  [["submit", "flow.json", "--lan", "low"], "Did you mean --lane?"],
  [["queues", "-o", "yaml"], "Allowed choices are table, json, jsonl"],
  [["events", "--limit", "0"], "It accepts a whole number from 1."],
  [["dlq", "replay"], "batuta dlq replay ID"],
  [["dlq", "purge", "e1", "--all"], "select either by ids"],
  [["dlq", "replay", "a.b"], '"a.b" is no executionId'],
  [["dlq", "get", "a b"], '"a b" is no executionId'],
  [["dlq", "ls", "--reason", "bad"], "Allowed choices are invalid"],
  [["dlq", "ls", "--since", "yesterday"], '"yesterday" is no since'],
  [["nats", "begin"], "unknown command 'begin'"],
])("%j is a usage error that says what is accepted", async (args, told) => {
  const { exitCode, out, err } = await cli(...args);
  expect(exitCode).toBe(2);
  expect(out).toBe("");
  expect(err).toContain(told);
});

test("a flag whose value does not fit its setting is refused before anything is connected", async () => {
  const { exitCode, err } = await cli("queues", "--url", "http://example.org");
  expect(exitCode).toBe(2);
  expect(err).toContain("BATUTA_NATS_URL");
});

test("a file that is not there ends with exit code 4", async () => {
  const { exitCode, err } = await cli("submit", "/no/such/flow.json");
  expect(exitCode).toBe(4);
  expect(err).toContain("there is no file /no/such/flow.json");
});

test("a server that is not there ends with exit code 3 and the next step", async () => {
  const { exitCode, out, err } = await cli("workers", "--url", "nats://127.0.0.1:1");
  expect(exitCode).toBe(3);
  expect(out).toBe("");
  expect(err).toMatch(/no NATS server answers at nats:\/\/127.0.0.1:1.*`batuta nats start`/);
});

test("docs/cli.md tells of every command and every option", () => {
  const docs = readFileSync(at("docs/cli.md"), "utf8");
  const found = allCommands();
  expect(found.length).toBeGreaterThan(10);
  for (const { path, command } of found) {
    expect(docs).toContain(`batuta ${path}`);
    for (const { long } of command.options) expect(docs).toContain(`\`${long}`);
  }
});

function at(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
