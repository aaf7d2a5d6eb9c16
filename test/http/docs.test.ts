import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { routesOf } from "../../src/http/routes.ts";
import { WaitRoom } from "../../src/http/waiting.ts";
import { executeMessage } from "../../src/messages/execute.ts";
import { problemIn, testApp } from "./client.ts";
import { fakePort, memoryLog } from "./fake-port.ts";

const doc = readFileSync(new URL("../../docs/http.md", import.meta.url), "utf8");

test("docs/http.md has a section and a curl line for every route, and for no other", () => {
  const deps = { waitMaxMs: 0, waits: new WaitRoom(), log: memoryLog().log };
  const routes = routesOf(fakePort().port, deps).map(
    ({ method, path }) => `${method} ${path.replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}")}`,
  );
  const sections = [...doc.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  expect([...sections].sort()).toEqual([...routes].sort());
  const curls = doc
    .split(/^## /m)
    .slice(1)
    .filter((section) => section.includes("curl "));
  expect(curls).toHaveLength(routes.length);
});

test("the body of its example is a flow execution", () => {
  const [, body = ""] = / -d '(\{[\s\S]*?\n\})'/.exec(doc) ?? [];
  expect(executeMessage.problems(JSON.parse(body))).toEqual([]);
});

test("the problem of its example is what a wrong flowId is answered with", async () => {
  const [, example = ""] = /```json\n([\s\S]*?)```/.exec(doc) ?? [];
  const flowData = { name: "x", version: 1, nodes: [{ id: "a", type: "noop" }] };
  const response = await testApp().post({ flowId: 7, flowData });
  expect(await problemIn(response)).toEqual(JSON.parse(example));
});
