import { type Browser, chromium } from "playwright-core";
import { findProgram, installOnce } from "./debian.ts";

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
  const found = given ?? findProgram(NAMES);
  if (found !== undefined) return found;
  await installOnce(["chromium"], () => findProgram(NAMES) !== undefined);
  const installed = findProgram(NAMES);
  if (installed !== undefined) return installed;
  throw new Error("apt-get install chromium left none on PATH; set BATUTA_TEST_CHROMIUM to one");
}
