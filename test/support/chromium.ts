import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { beforeAll, beforeEach, onTestFinished } from "vitest";
import { launchChromium } from "../../scripts/chromium.ts";
import { INSTALL_MS } from "../../scripts/debian.ts";

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
      browser = await launchChromium();
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
