import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FLOW_PROBLEM_CODES } from "../../src/domain/flow-codes.ts";
import { ENGINE_ERROR_CODES } from "../../src/engine/error-codes.ts";
import { coreNodeTypes } from "../../src/engine/node-types.ts";
import { HandClock, planOf, runNow } from "./fixtures.ts";

const root = new URL("../../", import.meta.url);
const doc = readFileSync(new URL("docs/flows.md", root), "utf8");

interface Example {
  readonly name: string;
  readonly flow: string;
  readonly inputs?: string;
  readonly output?: string;
}

/** A `json flow` block with the `json inputs` and `json output` blocks that follow it. */
function examples(): Example[] {
  const found: { name: string; flow: string; inputs?: string; output?: string }[] = [];
  for (const [, kind, text = ""] of doc.matchAll(/```json (flow|inputs|output)\n([\s\S]*?)```/g)) {
    if (kind === "flow") found.push({ name: JSON.parse(text).name, flow: text });
    else Object.assign(found.at(-1) ?? {}, { [kind as string]: text });
  }
  return found;
}

let api: Server;
let address = "";

beforeAll(async () => {
  api = createServer((request, response) => {
    const isPost = request.method === "POST";
    response.writeHead(isPost ? 201 : 200, { "content-type": "application/json" });
    response.end(isPost ? "{}" : '{"id":7,"state":"open"}');
  });
  await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
});

afterAll(() => {
  api.closeAllConnections();
  api.close();
});

test("the page has examples", () => {
  expect(examples().length).toBeGreaterThan(8);
});

test.each(examples())("the example $name does what the page says", async (example) => {
  const data = JSON.parse(example.flow.replaceAll("https://api.example.com", address));
  expect(planOf(data).warnings).toEqual([]);
  const clock = new HandClock();
  const inputs = example.inputs === undefined ? {} : JSON.parse(example.inputs);
  const outcome = runNow(data, { clock, inputs });
  await clock.advance(1_000);
  const output = example.output === undefined ? {} : JSON.parse(example.output);
  expect(await outcome).toMatchObject({ status: "completed", output });
});

test("the page lists every problem code with its meaning", () => {
  for (const [code, meaning] of Object.entries(FLOW_PROBLEM_CODES)) {
    expect(doc).toContain(`| \`${code}\` | ${meaning} |`);
  }
  const listed = [...doc.matchAll(/^\| `([EW]_[A-Z_]+)`/gm)].map(([, code]) => code);
  expect(listed).toEqual(Object.keys(FLOW_PROBLEM_CODES));
});

test("the page lists every error code with its meaning", () => {
  for (const [code, { retryable, meaning }] of Object.entries(ENGINE_ERROR_CODES)) {
    expect(doc).toContain(`| \`${code}\` | ${retryable} | ${meaning} |`);
  }
});

test("the page lists every node type", () => {
  const listed = [...doc.matchAll(/^\| `([a-z-]+)` \|.*\|.*\|.*\|$/gm)].map(([, name]) => name);
  for (const name of coreNodeTypes.names) expect(listed).toContain(name);
});

function sources(folder: string, prefix = ""): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && name.startsWith(prefix))
    .map((name) => readFileSync(new URL(`${folder}/${name}`, root), "utf8"));
}

test("every code of the sources is in a table", () => {
  const text = [...sources("src/engine"), ...sources("src/domain", "flow")].join("\n");
  const errors = [...text.matchAll(/(?:permanentError|NodeError)\(\s*"([A-Z_]+)"/g)];
  expect(errors.length).toBeGreaterThan(10);
  for (const [, code = ""] of errors) expect(ENGINE_ERROR_CODES).toHaveProperty(code);
  const problems = [...text.matchAll(/"([EW]_[A-Z_]+)"/g)];
  expect(problems.length).toBeGreaterThan(20);
  for (const [, code = ""] of problems) expect(FLOW_PROBLEM_CODES).toHaveProperty(code);
});
