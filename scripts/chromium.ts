import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Those of background work keep it from asking hosts that cannot be reached here. */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** How long installing one may take. */
export const INSTALL_MS = 600_000;
const LOCK = join(tmpdir(), "batuta-install-chromium.lock");

/**
 * A real Chromium: BATUTA_TEST_CHROMIUM, else the one on PATH, else Debian's package, which is installed.
 *
 * @throws Error when there is none and none can be installed.
 */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: await findChromium(), args: ARGS });
}

async function findChromium(): Promise<string> {
  const { BATUTA_TEST_CHROMIUM: given } = process.env;
  const found = given ?? onPath();
  if (found !== undefined) return found;
  await installOnce();
  const installed = onPath();
  if (installed !== undefined) return installed;
  throw new Error("apt-get install chromium left none on PATH; set BATUTA_TEST_CHROMIUM to one");
}

function onPath(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Test files run side by side, and apt does not. */
async function installOnce(): Promise<void> {
  const lateAt = Date.now() + INSTALL_MS;
  for (;;) {
    try {
      mkdirSync(LOCK);
      break;
    } catch {
      // Somebody else installs it. A lock of a run that was killed is not waited for for ever.
      await pause(1_000);
      if (onPath() !== undefined) return;
      if (Date.now() > lateAt) rmSync(LOCK, { recursive: true, force: true });
    }
  }
  try {
    if (onPath() === undefined) install();
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

function install(): void {
  process.stderr.write("no Chromium on this machine: installing Debian's package chromium\n");
  if (process.getuid?.() !== 0)
    throw new Error("install the package chromium, or set BATUTA_TEST_CHROMIUM to a Chromium");
  apt("update");
  apt("install", "-y", "--no-install-recommends", "chromium");
}

function apt(...args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stderr } = spawnSync("apt-get", ["-qq", ...args], { env, encoding: "utf8" });
  if (status === 0) return;
  throw new Error(`apt-get ${args.join(" ")} failed: ${(stderr ?? "").slice(-500)}`);
}
