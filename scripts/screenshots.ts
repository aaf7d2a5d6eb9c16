// Writes docs/images/inspect-*.png from a real fleet: `npx tsx scripts/screenshots.ts`.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { launchChromium } from "./chromium.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SHOTS = [
  { name: "inspect-light", colorScheme: "light", width: 1_400, height: 1_180 },
  { name: "inspect-dark", colorScheme: "dark", width: 1_400, height: 1_180 },
  { name: "inspect-phone", colorScheme: "light", width: 375, height: 780 },
] as const;
const READY_MS = 60_000;

const dataDir = await mkdtemp(join(tmpdir(), "batuta-shots-"));
const fleet = spawn(process.execPath, [join(ROOT, "bin/batuta.js"), "dev", "-o", "json"], {
  env: {
    ...process.env,
    BATUTA_DATA_DIR: dataDir,
    BATUTA_HTTP_PORT: "0",
    MIN_WORKERS: "6",
    BATUTA_LOG_FORMAT: "json",
  },
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  const url = await addressOf(fleet.stdout);
  const browser = await launchChromium();
  for (const { name, colorScheme, width, height } of SHOTS) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(`${url}/inspect`);
    await choose(page);
    await page.screenshot({ path: join(ROOT, "docs/images", `${name}.png`) });
    await page.close();
    console.log(`docs/images/${name}.png`);
  }
  await browser.close();
} finally {
  fleet.kill("SIGTERM");
  await new Promise((resolve) => fleet.once("exit", resolve));
  await rm(dataDir, { recursive: true, force: true });
}

async function choose(page: Page): Promise<void> {
  const row = page.locator(".row", { hasText: "worker/worker-2" });
  await row.first().click({ timeout: READY_MS });
  await page.locator(".drawing svg").waitFor({ timeout: READY_MS });
  // A few beats, so that there is something in the log.
  await page.locator(".events tbody tr:nth-child(5)").waitFor({ timeout: READY_MS });
}

function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    output.setEncoding("utf8").on("data", (more: string) => {
      text += more;
      const url = /"httpUrl": ?"([^"]+)"/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}
