import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { Child } from "../support/child.ts";
import { temporaryDir, useNats } from "../support/nats.ts";

const nats = useNats();
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const README = await readFile(join(ROOT, "README.md"), "utf8");

/** The fenced blocks of a language, in order. */
function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(
    ([, text]) => text as string,
  );
}

const COMMANDS = blocks("sh").flatMap((block) => block.trim().split("\n"));
const [FIRST_PROGRAM = "", PLAIN_NATS = "", WATCH_WORKERS = ""] = blocks("ts");

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

async function run(command: string, args: readonly string[], env: object = {}): Promise<Ran> {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, CI: "", ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

/** Inside the checkout, so that "batuta" is this package, as it would be in a project that depends on it. */
async function program(source: string): Promise<string> {
  const parent = join(ROOT, ".cache");
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, "readme-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "program.mts");
  await writeFile(file, source);
  return file;
}

/** `npx batuta dev`, on a port of its own. */
async function startDev(): Promise<{ child: Child; env: { BATUTA_NATS_URL: string } }> {
  const child = new Child(["dev", "-o", "json"], {
    BATUTA_DATA_DIR: await temporaryDir(),
    BATUTA_HTTP_PORT: "0",
    BATUTA_WORKER_HEARTBEAT_INTERVAL: "400ms",
  });
  onTestFinished(() => child[Symbol.asyncDispose]());
  await child.says(/"natsUrl"/);
  const url = /"natsUrl":\s*"([^"]+)"/.exec(child.output)?.[1] ?? "";
  return { child, env: { BATUTA_NATS_URL: url } };
}

const BATUTA = join(ROOT, "node_modules", ".bin", "batuta");
const TSX = join(ROOT, "node_modules", ".bin", "tsx");

test("there are exactly two set-up lines, and CI runs the second", async () => {
  expect(COMMANDS.filter((line) => line.startsWith("npm"))).toEqual([
    "npm ci && npm run demo",
    "npm ci && npm test",
  ]);
  const ci = await readFile(join(ROOT, ".ci", "run"), "utf8");
  expect(ci).toContain("\nnpm ci && npm test");
});

test("the first program has at most ten lines", () => {
  expect(FIRST_PROGRAM.trim().split("\n").length).toBeLessThanOrEqual(10);
});

// The rest takes a server of its own: once is enough, and the newest is what a stranger gets.
if (nats.atLeast("2.10.0")) {
  test("npm run demo shows real flows and checks itself", { timeout: 120_000 }, async () => {
    const { code, output } = await run("npm", ["run", "demo"]);
    expect(output).toContain("demo: all checks passed");
    expect(code).toBe(0);
  });

  // How long things take beside other tests says nothing: it is shown and not judged.
  test.each(["demo:inspect", "demo:scaling", "demo:amqp"])(
    "npm run %s shows what it says and checks itself",
    { timeout: 300_000 },
    async (name) => {
      const { code, output } = await run("npm", ["run", name], { DEMO_TIMES: "shown" });
      expect(output).toContain("demo: all checks passed");
      expect(code).toBe(0);
    },
  );

  test("the programs and commands of the README do what it says", {
    timeout: 120_000,
  }, async () => {
    const { child, env } = await startDev();

    const first = await run(TSX, [await program(FIRST_PROGRAM)], env);
    expect(first).toMatchObject({ code: 0, output: expect.stringContaining("Hello Ada") });

    const plain = await run(TSX, [await program(PLAIN_NATS)], env);
    expect(plain.code).toBe(0);
    expect(plain.output).toMatch(/executionId: 'order-1'[\s\S]*status: 'completed'/);

    const watcher = spawn(TSX, [await program(WATCH_WORKERS)], {
      cwd: ROOT,
      env: { ...process.env, ...env },
    });
    onTestFinished(() => void watcher.kill("SIGKILL"));
    let watched = "";
    const sawOffline = new Promise<void>((resolve) => {
      watcher.stdout.setEncoding("utf8").on("data", (text: string) => {
        watched += text;
        if (watched.includes("draining -> offline")) resolve();
      });
    });

    const ran: string[] = ["npx batuta dev"];
    const expectations: Record<string, RegExp> = {
      "npx batuta submit examples/flows/branch.json --wait": /completed/,
      "npx batuta workers": /healthy/,
      "npx batuta queues": /normal/,
    };
    for (const [command, says] of Object.entries(expectations)) {
      const { code, output } = await run(BATUTA, command.split(" ").slice(2), env);
      expect(output, command).toMatch(says);
      expect(code, command).toBe(0);
      ran.push(command);
    }

    const events = new Child(["events"], env);
    onTestFinished(() => events[Symbol.asyncDispose]());
    await expect
      .poll(
        async () => {
          await run(BATUTA, ["submit", "examples/flows/branch.json", "--wait"], env);
          return events.output;
        },
        { timeout: 30_000 },
      )
      .toMatch(/completed/);
    ran.push("npx batuta events");

    child.kill("SIGTERM");
    expect(await child.exited()).toBe(0);
    await sawOffline;
    // Nothing is promised that was not run.
    expect(ran.sort()).toEqual(COMMANDS.filter((line) => line.startsWith("npx")).sort());
  });
}
