import { expect, test } from "vitest";
import { normaliseFlow } from "../../src/domain/flow.ts";
import { endpointPointer, pointerTo } from "../../src/domain/flow-pointer.ts";

const nodes = [{ id: "a", type: "noop" }];
const connectionsOf = (connections: Parameters<typeof normaliseFlow>[0]["connections"]) =>
  normaliseFlow({ name: "f", version: 1, nodes, connections }).connections;

test("every way to write a connection gives the same connection", () => {
  const same = { from: { node: "a", port: "true" }, to: { node: "b", port: "in" } };
  const written = connectionsOf([
    { from: "a.true", to: "b" },
    { from: { node: "a", port: "true" }, to: "b.in" },
    { from: "a.true", to: { node: "b" } },
    { source: "a", target: "b", sourceHandle: "true", targetHandle: null },
  ]);
  for (const { from, to } of written) expect({ from, to }).toEqual(same);
});

test("a connection without ports goes from out to in", () => {
  const [plain, editor] = connectionsOf([
    { from: "a", to: "b" },
    { source: "a", target: "b" },
  ]);
  expect(plain).toMatchObject({ from: { port: "out" }, to: { port: "in" }, editorForm: false });
  expect(editor).toMatchObject({ from: { port: "out" }, to: { port: "in" }, editorForm: true });
});

test("a node left plain joins when settled, runs once, and is not disabled", () => {
  const [node] = normaliseFlow({ name: "f", version: 1, nodes }).nodes;
  expect(node).toMatchObject({ join: "settled", disabled: false, config: {} });
  expect(node?.retry.maxAttempts).toBe(1);
  expect(node).not.toHaveProperty("onError");
});

test("settings that are not given have their defaults", () => {
  const { settings } = normaliseFlow({ name: "f", version: 1, nodes, settings: { timeoutMs: 5 } });
  expect(settings).toEqual({
    onError: "fail",
    maxParallel: 10,
    maxNodeRuns: 100_000,
    timeoutMs: 5,
  });
});

test("an output template of null is a template, and none is none", () => {
  expect(normaliseFlow({ name: "f", version: 1, nodes, output: null }).hasOutput).toBe(true);
  expect(normaliseFlow({ name: "f", version: 1, nodes }).hasOutput).toBe(false);
});

test("a pointer escapes what JSON Pointer escapes, and names the field that was sent", () => {
  expect(pointerTo("/nodes/0/config", "a/b~c", 2)).toBe("/nodes/0/config/a~1b~0c/2");
  const [editor, plain] = connectionsOf([
    { source: "a", target: "b" },
    { from: "a", to: "b" },
  ]);
  expect(endpointPointer(editor as never, 0, "to")).toBe("/connections/0/target");
  expect(endpointPointer(plain as never, 1, "from")).toBe("/connections/1/from");
});
