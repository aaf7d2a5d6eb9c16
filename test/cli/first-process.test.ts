import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";

const AT = new URL("../../bin/first-process.js", import.meta.url).href;

/** As in a container: the first process of a PID namespace of its own. */
const NAMESPACE = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];
const canUnshare = spawnSync("unshare", [...NAMESPACE, "true"]).status === 0;
if (!canUnshare)
  process.stderr.write("SKIPPED: no PID namespaces here, so no first process of a container\n");

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

test.skipIf(!canUnshare)(
  "the first process of a container ends on a signal that comes before its command handles any",
  async () => {
    expect(await endOf(`import ${JSON.stringify(AT)}`)).toBe(143);
  },
);

test.skipIf(!canUnshare)("it leaves signals to its command once that handles them", async () => {
  const own = "process.on('SIGTERM', () => process.exit(7))";
  expect(await endOf(`import ${JSON.stringify(AT)}; ${own}`)).toBe(7);
});
