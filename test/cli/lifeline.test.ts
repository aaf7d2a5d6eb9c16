import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { onLifelineCut } from "../../src/cli/serve/lifeline.ts";

test("what comes through the lifeline means nothing; its end is told once", async () => {
  const input = new PassThrough();
  const cut = vi.fn();
  onLifelineCut(input, cut);
  input.write("hello");
  await once(input, "data");
  expect(cut).not.toHaveBeenCalled();
  input.end();
  await once(input, "close");
  expect(cut).toHaveBeenCalledOnce();
});

test("a lifeline that breaks is cut", async () => {
  const input = new PassThrough();
  const cut = vi.fn();
  onLifelineCut(input, cut);
  input.destroy(new Error("EIO"));
  await vi.waitFor(() => expect(cut).toHaveBeenCalledOnce(), 8_000);
  await vi.waitFor(() => expect(input.closed).toBe(true), 8_000);
  expect(cut).toHaveBeenCalledOnce();
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a child in a process group of its own ends when its parent gets SIGKILL", async () => {
  const file = fileURLToPath(new URL("./lifeline-parent.ts", import.meta.url));
  const parent = spawn(process.execPath, ["--import", "tsx", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [line] = await once(parent.stdout, "data");
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 10_000);
}, 30_000);
