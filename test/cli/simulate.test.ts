import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runCli } from "../../src/cli/run-cli.ts";
import { decideScale } from "../../src/domain/scaling.ts";
import { factsOf, POLICY, waiting } from "../domain/scaling-fixtures.ts";
import { fakeTerminal } from "./fake-terminal.ts";

async function simulate(...args: readonly string[]) {
  const terminal = fakeTerminal();
  const exitCode = await runCli(["simulate", ...args], terminal);
  return { exitCode, out: terminal.out(), err: terminal.err() };
}

/** A recording in a file that is gone after the test. */
async function recording(...lines: readonly (object | string)[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "batuta-test-simulate-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const path = join(dir, "recording.jsonl");
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  await writeFile(path, text.join("\n"));
  return path;
}

const DEEP = factsOf(2, { lanes: waiting(5_000) });
const decision = (facts = DEEP) => ({
  decisionId: "01J",
  kind: "scale",
  at: "2026-01-01T10:00:00.000Z",
  inputs: { facts, policy: POLICY },
  choice: decideScale(facts, POLICY),
  reasons: [],
});

test("a load is told in waits per lane and worker-hours, beside the rule of the seed", async () => {
  const { exitCode, out } = await simulate(
    "--hours",
    "1",
    "--rate",
    "5",
    "--compare",
    "-o",
    "json",
  );
  expect(exitCode).toBe(0);
  const [ours, seed] = JSON.parse(out);
  expect([ours.policy, seed.policy]).toEqual(["default", "seed"]);
  expect(ours.waits.all.executions).toBe(seed.waits.all.executions);
  expect(ours.workerHours).toBeGreaterThan(1);
  const table = await simulate("--hours", "1", "--rate", "5");
  expect(table.out).toMatch(/worker-hours/);
});

test("other settings are taken by their names, and checked as settings", async () => {
  const few = await simulate(
    "--hours",
    "1",
    "--rate",
    "5",
    "--min",
    "1",
    "--max",
    "1",
    "-o",
    "json",
  );
  expect(JSON.parse(few.out)[0].peakWorkers).toBe(1);
  const unknown = await simulate("--policy", "uploads=1");
  expect(unknown.exitCode).toBe(2);
  expect(unknown.err).toContain('"uploads" is no setting of the policy: there are minWorkers,');
  const wrong = await simulate("--policy", "upLoad=7");
  expect(wrong.exitCode).toBe(2);
  expect(wrong.err).toContain("BATUTA_SCALING_UP_LOAD");
  expect((await simulate("--min", "9", "--max", "3")).exitCode).toBe(2);
  expect((await simulate("--policy", "best")).exitCode).toBe(2);
});

test("recorded arrivals are simulated as they came, whatever their order in the file", async () => {
  const path = await recording(
    { atMs: 500, lane: "low", serviceMs: 10 },
    { atMs: 0, lane: "high", serviceMs: 80 },
    "",
  );
  const { out } = await simulate("--from", path, "-o", "json");
  expect(JSON.parse(out)[0].waits).toMatchObject({
    high: { executions: 1 },
    low: { executions: 1 },
    all: { executions: 2, maxMs: 0 },
  });
});

test("recorded decisions come out the same, and one that was tampered with does not", async () => {
  const same = await simulate("--from", await recording(decision(), decision(factsOf(3))));
  expect(same).toMatchObject({ exitCode: 0 });
  expect(same.err).toContain("2 of 2 decisions are the same, bit for bit");
  const forged = { ...decision(), choice: { ...decision().choice, desired: 9 } };
  const different = await simulate("--from", await recording(decision(), forged));
  expect(different.exitCode).toBe(1);
  expect(different.err).toContain("1 of 2 decisions are the same");
  expect(different.out).toMatch(/10:00:00 +up from 2 to 9 +up from 2 to/);
});

test("under other rules it tells what would have been decided, and that is no failure", async () => {
  const path = await recording(decision());
  const { exitCode, out } = await simulate("--from", path, "--policy", "highWatermark=10000");
  expect(exitCode).toBe(0);
  expect(out).toMatch(/up from 2 to \d+ +hold at 2/);
});

test.each([
  ['{"atMs":0,"lane":"mid","serviceMs":1}', "lane accepts high, normal or low"],
  ['{"atMs":-1,"lane":"low","serviceMs":1}', "atMs accepts milliseconds from 0"],
  ['{"atMs":0,"lane":"low"}', "serviceMs accepts milliseconds from 0, not nothing"],
  ["{", "a JSON object is expected"],
  ["[]", "a JSON object is expected"],
])("the bad line %s is named, and nothing is passed over", async (bad, says) => {
  const path = await recording({ atMs: 0, lane: "high", serviceMs: 80 }, bad);
  const { exitCode, err } = await simulate("--from", path);
  expect(exitCode).toBe(2);
  expect(err).toContain(`line 2 of the recording: ${says}`);
});

test("a recording that is empty, half a decision, or not there, is told", async () => {
  expect((await simulate("--from", await recording(""))).err).toContain("the recording is empty");
  const half = await recording({ kind: "scale", at: "2026-01-01T10:00:00.000Z" });
  expect((await simulate("--from", half)).err).toContain("line 1 of the recording: at, inputs");
  const mixed = await recording(decision(), { kind: "retry" });
  expect((await simulate("--from", mixed)).err).toContain("line 2 of the recording: a decision of");
  expect((await simulate("--from", "/no/such/file")).exitCode).toBe(4);
});
