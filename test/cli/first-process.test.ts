import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { testWith } from "../provisioners/support/programs.ts";

const AT = new URL("../../bin/first-process.js", import.meta.url).href;

/** As in a container: the first process of a PID namespace of its own. */
const NAMESPACE = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];
const canUnshare = spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;
const withNamespaces = testWith(canUnshare, "PID namespace");

/** Resolves with how it ends after SIGTERM, which it gets once it has said that it is ready. */
async function endOf(program: string): Promise<number> {
  const code = `${program}; setInterval(() => {}, 1e3); console.log(process.pid)`;
  const node = [process.execPath, "--input-type=module", "-e", code];
  const child = spawn("unshare", [...NAMESPACE, ...node], { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [pid] = await once(child.stdout, "data");
  expect(Number(pid)).toBe(1);
  const inner = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8"));
  expect(inner).toBeGreaterThan(1);
  process.kill(inner, "SIGTERM");
  const [status] = await once(child, "exit");
  return status as number;
}

withNamespaces(
  "the first process of a container ends on a signal that comes before its command handles any",
  async () => {
    expect(await endOf(`import ${JSON.stringify(AT)}`)).toBe(143);
  },
);

withNamespaces("it leaves signals to its command once that handles them", async () => {
  const own = "process.on('SIGTERM', () => process.exit(7))";
  expect(await endOf(`import ${JSON.stringify(AT)}; ${own}`)).toBe(7);
});

test("a process that is not the first one ends as the signal says", async () => {
  const code = `import ${JSON.stringify(AT)}; setInterval(() => {}, 1e3); console.log("ready")`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([null, "SIGTERM"]);
});
