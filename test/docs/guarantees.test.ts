import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;

function readAll(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(ROOT, folder, name), "utf8"))
    .join("\n");
}

/** Lines of the form `  - test: "…"`. */
function citedTests(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8").replace(/\n {4,}/g, " ");
  return [...text.matchAll(/test: "([^"]+)"/g)].map(([, name = ""]) => name);
}

test("each guarantee cites tests, and they are there", () => {
  const tests = readAll("test");
  const cited = citedTests("docs/guarantees.md");
  expect(cited.length).toBeGreaterThan(10);
  expect(cited.filter((name) => !tests.includes(`"${name}"`))).toEqual([]);
});
