import type { BrowserContextOptions, Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { launchChromium } from "../../scripts/chromium.ts";
import { usePart } from "./part.ts";

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
  const browser = usePart("Chromium", launchChromium, (launched) => launched.close());
  return {
    async open(url, options = {}) {
      const context = await browser().newContext({
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
