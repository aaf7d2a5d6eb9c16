import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import {
  EXECUTION_CODES,
  generatedDocs,
  OTHER_PROBLEM_CODES,
  sourceTexts,
} from "../../scripts/generate-docs.ts";
import { FLOW_PROBLEM_CODES } from "../../src/domain/flow-codes.ts";

const root = join(import.meta.dirname, "../..");
const STALE = "is stale: run `npx tsx scripts/generate-docs.ts`";
const docs = await generatedDocs();

test.each([...docs])("%s is fresh", (path, text) => {
  expect(existsSync(join(root, path)), `${path} ${STALE}`).toBe(true);
  expect(readFileSync(join(root, path), "utf8") === text, `${path} ${STALE}`).toBe(true);
});

test("docs/schemas holds a schema for each message and nothing else", () => {
  const schemas = [...docs.keys()]
    .filter((path) => path.endsWith(".json"))
    .map((path) => basename(path));
  expect(schemas).toContain("flow-execution.json");
  expect(schemas.length).toBeGreaterThanOrEqual(6);
  expect(readdirSync(join(root, "docs/schemas")).sort()).toEqual(schemas.sort());
});

// The messages are checked by validators that take their schemas on trust.
test("each of them is a JSON Schema", () => {
  const ajv = new Ajv2020({ strict: false });
  const schemas = [...docs].filter(([path]) => path.endsWith(".json"));
  const unsound = schemas.filter(([, text]) => !ajv.validateSchema(JSON.parse(text)));
  expect(unsound.map(([path]) => path)).toEqual([]);
});

test("every code of a failed execution in the sources has a meaning in docs/errors.md", () => {
  const thrown = /(?:new NodeError\(\s*|\bcode: )"([A-Z][A-Z0-9_]*)"/g;
  const found = codesIn(thrown).filter((code) => !/^[EW]_/.test(code));
  expect(found.length).toBeGreaterThan(5);
  const doc = docs.get("docs/errors.md") ?? "";
  expect(found.filter((code) => !doc.includes(`\`${code}\``))).toEqual([]);
  expect(Object.keys(EXECUTION_CODES).filter((code) => !inSources(code))).toEqual([]);
});

test("every code of a problem in the sources has a meaning in docs/errors.md", () => {
  const known = { ...FLOW_PROBLEM_CODES, ...OTHER_PROBLEM_CODES };
  expect(codesIn(/"([EW]_[A-Z_]+)"/g).filter((code) => !Object.hasOwn(known, code))).toEqual([]);
  expect(Object.keys(OTHER_PROBLEM_CODES).filter((code) => !inSources(code))).toEqual([]);
});

function codesIn(pattern: RegExp): string[] {
  const matches = sourceTexts().flatMap((text) => [...text.matchAll(pattern)]);
  return [...new Set(matches.map(([, code = ""]) => code))];
}

function inSources(code: string): boolean {
  return sourceTexts().some((text) => text.includes(`"${code}"`));
}
