import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { installNatsServer } from "../../src/nats-server/install.ts";
import { installWithGo } from "../../src/nats-server/install-go.ts";
import type { InstallStep } from "../../src/nats-server/install-step.ts";
import type { runCommand } from "../../src/nats-server/run-command.ts";
import { LINE_SOURCES } from "../../src/nats-server/versions.ts";
import { temporaryDir } from "../support/nats.ts";
import { writeFakeServer } from "./fake-server.ts";

/** A way that yields a server of that version. */
const giving = (version: string, code = 0): InstallStep =>
  vi.fn(async ({ staging }) => ({
    binary: await writeFakeServer(join(staging, "nats-server"), version, { code }),
    source: "a fake",
  }));

const passing: InstallStep = async () => ({ passed: "no network here" });

test("the first way that yields a running server is taken, and the others are told about", async () => {
  const cacheDir = await temporaryDir();
  const told: string[] = [];
  const onProgress = (line: string) => told.push(line);
  const steps = [passing, giving("2.15.9", 1), giving("2.15.1"), giving("2.10.0")];
  const server = await installNatsServer({ cacheDir, steps, onProgress });
  expect(server).toMatchObject({ version: "2.15.1", source: "a fake", lines: ["newest"] });
  expect(server.path).toBe(join(cacheDir, "nats-server", "2.15.1", "nats-server"));
  expect(told[0]).toBe("no network here");
  expect(told.at(-1)).toContain("installed nats-server 2.15.1");
});

test("an installed server is there at once the next time, and nothing else is left behind", async () => {
  const cacheDir = await temporaryDir();
  const step = giving("2.15.1");
  const first = await installNatsServer({ cacheDir, steps: [step] });
  expect(await installNatsServer({ cacheDir, steps: [step] })).toEqual(first);
  expect(step).toHaveBeenCalledTimes(1);
  expect(await readdir(join(cacheDir, "nats-server"))).toEqual(["2.15.1"]);
});

test("what a killed installation left is deleted by the next one", async () => {
  const cacheDir = await temporaryDir();
  await mkdir(join(cacheDir, "nats-server", ".staging-old"), { recursive: true });
  await installNatsServer({ cacheDir, steps: [giving("2.15.1")] });
  expect(await readdir(join(cacheDir, "nats-server"))).toEqual(["2.15.1"]);
});

test("two that ask at the same time get one installation", async () => {
  const cacheDir = await temporaryDir();
  const step = giving("2.15.1");
  const asks = [1, 2, 3].map(() => installNatsServer({ cacheDir, steps: [step] }));
  const paths = (await Promise.all(asks)).map(({ path }) => path);
  expect(new Set(paths).size).toBe(1);
  expect(step).toHaveBeenCalledTimes(1);
});

test("each line is installed for itself, and one server may stand for both", async () => {
  const cacheDir = await temporaryDir();
  await installNatsServer({ cacheDir, steps: [giving("2.9.10")] });
  const both = await installNatsServer({ cacheDir, line: "2.9", steps: [giving("2.9.10")] });
  expect(both.lines).toEqual(["newest", "2.9"]);
});

test("when no way works the error says why for each and what to do by hand", async () => {
  const cacheDir = await temporaryDir();
  const failed = installNatsServer({ cacheDir, steps: [passing, giving("2.15.9", 1)] });
  await expect(failed).rejects.toMatchObject({ code: "UNREACHABLE" });
  for (const part of ["no network here", "a fake does not run", "apt-get install nats-server"]) {
    await expect(failed).rejects.toThrow(part);
  }
});

test("a cache directory that cannot be written is an error that names its setting", async () => {
  const failed = installNatsServer({ cacheDir: "/etc/passwd/cache", steps: [] });
  await expect(failed).rejects.toMatchObject({
    code: "CONFIG",
    message: expect.stringContaining("BATUTA_CACHE_DIR"),
  });
});

test("Go builds the pinned release into the staging folder", async () => {
  const staging = await temporaryDir();
  const commands: string[] = [];
  const run: typeof runCommand = async (command, args) => {
    commands.push([command, ...args].join(" "));
    return { code: 0, stdout: "", stderr: "" };
  };
  const source = LINE_SOURCES.newest;
  const outcome = await installWithGo({ staging, source, run, say: () => {} });
  expect(outcome).toMatchObject({ binary: join(staging, "nats-server") });
  expect(commands.at(-1)).toBe(
    `env GOBIN=${staging} go install github.com/nats-io/nats-server/v2@v${source.release}`,
  );
});
