import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { beforeAll, beforeEach, onTestFinished } from "vitest";

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
const INSTALL_MS = 600_000;
const LOCK = join(tmpdir(), "batuta-install-chromium.lock");

/** A browser for the tests of a file. */
export interface Chromium {
  /** A page in a context of its own, closed with the test. */
  open(url: string, options?: BrowserContextOptions): Promise<Page>;
}

/**
 * A real Chromium, called once at the top of a test file: BATUTA_TEST_CHROMIUM, else the one on PATH,
 * else Debian's package, which is installed. Where there is none the tests are skipped, loudly; with
 * CI set they fail.
 */
export function useChromium(): Chromium {
  let browser: Browser | undefined;
  let missing = "";
  beforeAll(async () => {
    try {
      browser = await chromium.launch({ executablePath: await findChromium(), args: ARGS });
    } catch (error) {
      if (process.env.CI) throw error;
      missing = `there is no Chromium: ${(error as Error).message}`;
      process.stderr.write(`!!! TESTS OF PAGES ARE SKIPPED: ${missing}\n`);
    }
    return () => browser?.close();
  }, INSTALL_MS);
  beforeEach((context) => {
    if (missing !== "") context.skip(missing);
  });
  return {
    async open(url, options = {}) {
      if (browser === undefined) throw new Error("Chromium was not started");
      const context = await browser.newContext({
        viewport: { width: 1_400, height: 1_000 },
        ...options,
      });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
  };
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
