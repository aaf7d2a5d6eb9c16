import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect, type TestContext, test } from "vitest";
import WebSocket from "ws";
import { freePorts } from "../../scripts/free-ports.ts";
import type { Heartbeat } from "../../src/messages/worker.ts";
import { useChromium } from "../support/chromium.ts";
import { Cluster } from "../support/cluster.ts";
import { FakeWorker } from "../support/fake-worker.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();
const browser = useChromium();

/** A cluster whose orchestrator serves the page, and its address. */
async function startWithPage(
  task: TestContext["task"],
): Promise<{ cluster: Cluster; url: string }> {
  const [port = 0] = await freePorts(1);
  const cluster = await Cluster.start(task, nats, {
    BATUTA_HTTP_ENABLED: "true",
    BATUTA_HTTP_PORT: String(port),
  });
  return { cluster, url: `http://127.0.0.1:${port}/inspect` };
}

function row(page: Page, address: string) {
  return page.locator(".row", { has: page.locator(".address", { hasText: exactly(address) }) });
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replaceAll("/", "\\/")}$`);
}

/** Finds a worker as a person does, and has it on the page. */
async function look(page: Page, workerId: string): Promise<void> {
  await page.getByRole("searchbox", { name: /Find an actor/ }).fill(`worker/${workerId}`);
  await row(page, `worker/${workerId}`).click();
  await page.locator(".drawing svg").waitFor();
}

/** The states that are lit on the chart. */
function lit(page: Page) {
  return page
    .locator(".drawing .active")
    .evaluateAll((groups) => groups.map((group) => (group as SVGGElement).dataset.state));
}

test("a worker is found by typing, and seen to drain, with its chart, its timers and why", async ({
  task,
}) => {
  const { cluster, url } = await startWithPage(task);
  await Promise.all([cluster.worker("w-1"), cluster.worker("w-2")]);
  const page = await browser.open(url);
  await look(page, "w-1");
  await page.locator(".current", { hasText: "healthy" }).waitFor();
  await expect.poll(() => lit(page)).toEqual(["healthy"]);
  const population = page.locator('[data-count="healthy"]');
  await expect.poll(() => population.textContent(), { timeout: 60_000 }).toBe("2");
  await page.locator(".timers progress").first().waitFor();
  await page.locator(".tree th", { hasText: exactly("workerId") }).waitFor();
  await page.locator(".events td", { hasText: "heartbeat" }).first().waitFor();

  const drained = cluster.child(["drain", "w-1"]);
  await page.locator(".events td.moved", { hasText: "draining" }).first().waitFor();
  await page.locator(".events td.moved", { hasText: "→ offline" }).first().waitFor();
  expect(await drained.exited()).toBe(0);
});

test("a worker that is overloaded is seen to degrade, with the reason", async ({ task }) => {
  const { cluster, url } = await startWithPage(task);
  let memoryUsagePercent = 10;
  const beat = (idle: Heartbeat) => ({
    ...idle,
    currentLoad: { ...idle.currentLoad, memoryUsagePercent },
  });
  await FakeWorker.start(cluster.bus, "busy", { beat });
  await cluster.states.first(({ to }) => to === "healthy");
  const page = await browser.open(url);
  await look(page, "busy");
  // On a busy machine its beats may have come late: then it is healthy again after 15 s.
  await expect.poll(() => lit(page), { timeout: 60_000 }).toEqual(["healthy"]);
  memoryUsagePercent = 97;
  await page.locator(".current", { hasText: "critical" }).waitFor();
  await expect.poll(() => lit(page)).toEqual(["critical"]);
  await page.locator(".reasons li", { hasText: /memory/ }).waitFor();
  // The arrow that led there is still marked when the next beat has come.
  const latest = page.locator(".events tbody tr:first-child td:not(.moved)");
  await latest.filter({ hasText: exactly("critical") }).waitFor();
  await page.locator(".edge.taken").waitFor();
  await page.locator(".row .sign.bad").first().waitFor();
});

test("a worker that is killed is seen offline, and its process as one that is gone", async ({
  task,
}) => {
  const { cluster, url } = await startWithPage(task);
  const doomed = await cluster.worker("doomed");
  await cluster.worker("other");
  const page = await browser.open(url);
  await look(page, "doomed");
  doomed.kill("SIGKILL");
  await page.locator(".events td.moved", { hasText: "→ offline" }).first().waitFor();
  await page.getByRole("searchbox", { name: /Find an actor/ }).fill("connection doomed");
  await page.locator(".row.lost").waitFor({ timeout: 30_000 });
});

test("the page is live again after its orchestrator was restarted", async ({ task }) => {
  const { cluster, url } = await startWithPage(task);
  await cluster.worker("w-1");
  const page = await browser.open(url);
  await look(page, "w-1");
  cluster.firstOrchestrator.kill("SIGKILL");
  await page.locator(".connection.lost").waitFor();
  await cluster.orchestrator();
  await page.locator(".connection.live").waitFor({ timeout: 30_000 });
  await page.locator(".current", { hasText: "healthy" }).waitFor({ timeout: 30_000 });
});

test("what strangers call themselves is shown as text", async ({ task }) => {
  const { url } = await startWithPage(task);
  // What it is called becomes an address; a state may be called anything.
  const state = "<img src=x onerror=alert(1)>\u202egnp";
  const stranger = new WebSocket(url.replace("http:", "ws:").concat("/stately"));
  await new Promise((resolve) => stranger.once("open", resolve));
  stranger.send(
    JSON.stringify({
      type: "@xstate.actor",
      name: "stranger",
      sessionId: "x:0",
      rootId: "x:0",
      createdAt: String(Date.now()),
      id: null,
      _version: "0.7.2",
      definition: JSON.stringify({ id: "<b>odd</b>", initial: state, states: { [state]: {} } }),
      snapshot: {
        status: "active",
        value: state,
        context: { note: "<script>alert(2)</script>", long: "x".repeat(100_000) },
        tags: [],
        children: {},
      },
    }),
  );
  const page = await browser.open(url);
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await page.locator(".row", { hasText: "stranger" }).click();
  await page.locator(".drawing .active .name", { hasText: "<img src=x" }).waitFor();
  await page.locator(".current", { hasText: "<img src=x" }).waitFor();
  await page.locator(".chart h2", { hasText: "<b>odd</b>" }).waitFor();
  await page.locator(".tree td", { hasText: "<script>alert(2)</script>" }).waitFor();
  expect(await page.locator(".page img:not(h1 img), .tree script, .chart b").count()).toBe(0);
  expect(await page.locator(".list, .actor, .history").allTextContents()).not.toContain("\u202e");
  expect(dialogs).toEqual([]);
  stranger.close();
});

test("all is reached by keys alone", async ({ task }) => {
  const { cluster, url } = await startWithPage(task);
  await Promise.all([cluster.worker("w-1"), cluster.worker("w-2")]);
  const page = await browser.open(url);
  await row(page, "worker/w-2").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("worker/w-");
  await expect.poll(() => page.locator(".row").count()).toBe(2);
  const rows = page.getByRole("listbox");
  for (let tabs = 0; tabs < 8 && !(await isFocused(page, ".rows")); tabs += 1)
    await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.locator(".head h2", { hasText: "worker/w-2" }).waitFor();
  expect(await rows.getAttribute("aria-activedescendant")).toBe("row-1");
  await page.keyboard.press("Home");
  await page.locator(".head h2", { hasText: "worker/w-1" }).waitFor();
});

function isFocused(page: Page, selector: string): Promise<boolean> {
  return page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector);
}

test("on a phone nothing is wider than the screen, and one actor takes the place of the list", async ({
  task,
}) => {
  const { cluster, url } = await startWithPage(task);
  await cluster.worker("w-1");
  const page = await browser.open(url, { viewport: { width: 375, height: 720 } });
  const isTooWide = () =>
    page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
  await row(page, "worker/w-1").waitFor();
  expect(await isTooWide()).toBe(false);
  await look(page, "w-1");
  expect(await isTooWide()).toBe(false);
  await page
    .getByRole("button", { name: /all actors/ })
    .first()
    .click();
  await row(page, "worker/w-1").waitFor();
});

test("no other host is asked for anything, and the policy of the page is kept", async ({
  task,
}) => {
  const { cluster, url } = await startWithPage(task);
  await cluster.worker("w-1");
  const page = await browser.open("about:blank");
  const asked: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(url);
  await look(page, "w-1");
  await page.getByRole("button", { name: "messages" }).click();
  await page.getByRole("button", { name: "all actors", exact: true }).click();
  await page.locator(".sequence .message").first().waitFor();
  const { host } = new URL(url);
  expect(asked.length).toBeGreaterThan(3);
  expect(asked.filter((each) => new URL(each).host !== host)).toEqual([]);
  expect(complaints).toEqual([]);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing serious on the ${colorScheme} page`, async ({ task }) => {
    const { cluster, url } = await startWithPage(task);
    await cluster.worker("w-1");
    expect(await seriousOn(url, colorScheme)).toEqual([]);
  });
}

async function seriousOn(url: string, colorScheme: "light" | "dark"): Promise<string[]> {
  const page = await browser.open(url, { colorScheme, bypassCSP: true });
  await look(page, "w-1");
  await page.locator(".events td").first().waitFor();
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") });
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
      };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
  });
}

test("a token is asked for where one is set, and a session takes its place", async ({ task }) => {
  const [port = 0] = await freePorts(1);
  const cluster = await Cluster.start(task, nats, {
    BATUTA_HTTP_ENABLED: "true",
    BATUTA_HTTP_PORT: String(port),
    BATUTA_HTTP_TOKEN: "s3cret",
  });
  await cluster.worker("w-1");
  const page = await browser.open(`http://127.0.0.1:${port}/inspect`);
  await page.getByLabel("Token").fill("s3cret");
  await page.getByRole("button", { name: "Look" }).click();
  await look(page, "w-1");
  expect(await page.evaluate(() => document.cookie)).toBe("");
});
