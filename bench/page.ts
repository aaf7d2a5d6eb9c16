import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "../scripts/chromium.ts";
import { freePorts } from "../scripts/free-ports.ts";
import { startOwnServer } from "../scripts/own-server.ts";
import { connectBus } from "../src/bus/connect.ts";
import { BenchFleet } from "./fleet.ts";
import { simulatedWorker } from "./idle.ts";
import { machine } from "./machine.ts";
import { round } from "./measure.ts";
import { type Line, printReport, targets } from "./report.ts";

const HELP = `npm run bench:page -- [--workers N] [--seconds N]

How many frames a second Chromium draws of the page /inspect while that many workers beat every 2 s,
one of them is looked at, and the log shows what all of them do; beside an empty page in the same
browser. Exits 1 when it is not above 30.

  --workers  workers that register, beat and answer pings   (default 1000)
  --seconds  how long frames are counted                    (default 15)
`;
/** Runs in the page: counts when it may draw. As text, since what compiles this file adds to functions. */
const COUNT_FRAMES = `(forMs) => new Promise((resolve) => {
  const from = performance.now();
  let frames = 0;
  const drawn = (now) => {
    frames += 1;
    if (now - from < forMs) requestAnimationFrame(drawn);
    else resolve((frames / (now - from)) * 1000);
  };
  requestAnimationFrame(drawn);
})`;

const WANTED_FPS = 30;
const PATIENCE_MS = 120_000;

const { values } = parseArgs({
  options: {
    workers: { type: "string", default: "1000" },
    seconds: { type: "string", default: "15" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else await main(Number(values.workers), Number(values.seconds));

async function main(workers: number, seconds: number): Promise<void> {
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-bench-page-"));
  const server = await startOwnServer(
    { storeDir },
    (line) => void process.stderr.write(`${line}\n`),
  );
  const browser = await launchChromium();
  try {
    await using bus = await connectBus({ url: server.url, name: "batuta bench" });
    const [port = 0] = await freePorts(1);
    await using fleet = new BenchFleet(bus, server.url, 1, { BATUTA_HTTP_PORT: String(port) });
    await fleet.orchestrator();
    const beating = await Promise.all(
      Array.from({ length: workers }, (_, index) => simulatedWorker(bus, `w-${index + 1}`)),
    );
    const lines = await measure(browser, `http://127.0.0.1:${port}/inspect`, workers, seconds);
    for (const stop of beating) stop();
    const about = { version: server.version, durability: "default" };
    printReport({ at: new Date().toISOString(), machine: machine(), server: about, lines });
    if (targets(lines).some(({ met }) => !met)) process.exitCode = 1;
  } finally {
    await browser.close();
    await server.stop();
    await rm(storeDir, { recursive: true, force: true });
  }
}

async function measure(
  browser: Browser,
  url: string,
  workers: number,
  seconds: number,
): Promise<Line[]> {
  const empty = await browser.newPage();
  const bare = await framesPerSecond(empty, seconds);
  await empty.close();
  const page = await browser.newPage({ viewport: { width: 1_400, height: 1_000 } });
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(url);
  await page.getByRole("searchbox", { name: /Find an actor/ }).fill("worker/w-1");
  await page.locator(".row", { hasText: "worker/w-1" }).first().click();
  await page.locator(".drawing svg").waitFor();
  await page.getByRole("searchbox", { name: /Find an actor/ }).fill("");
  await page.locator(`[data-count="healthy"]`, { hasText: String(workers) }).waitFor();
  const followed = await framesPerSecond(page, seconds);
  await page.getByRole("button", { name: "all actors", exact: true }).click();
  await page.locator(".events tbody tr:nth-child(50)").waitFor();
  const all = await framesPerSecond(page, seconds);
  const line = (name: string, value: number): Line => ({
    name,
    unit: "frames/s",
    value: round(value, 1),
    ratio: value / bare,
    ratioTo: "an empty page",
    above: WANTED_FPS,
  });
  return [
    { name: "an empty page", unit: "frames/s", value: round(bare, 1) },
    line(`${workers} workers, one of them looked at`, followed),
    line(`${workers} workers, and the log of all`, all),
  ];
}

function framesPerSecond(page: Page, seconds: number): Promise<number> {
  return page.evaluate<number>(`(${COUNT_FRAMES})(${seconds * 1_000})`);
}
