import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { checkFlow } from "../../src/cli/submit/check-flow.ts";
import { composeMessage } from "../../src/cli/submit/compose-message.ts";

const compose = (text: string) => composeMessage(text, { input: [] }, () => "new-id");
const flow = (nodes: object[], connections: object[] = []) =>
  JSON.stringify({ name: "f", version: 1, nodes, connections });

test("a cycle is told with its place in the file, before anything is published", () => {
  const text = flow(
    [
      { id: "a", type: "noop" },
      { id: "b", type: "noop" },
    ],
    [
      { from: "a", to: "b" },
      { from: "b", to: "a" },
    ],
  );
  expect(() => checkFlow(compose(text))).toThrow("nothing was published");
});

test("problems of a whole message point below /flowData", () => {
  const flowData = JSON.parse(flow([{ id: "a", type: "if", config: { condition: "1 +" } }]));
  const text = JSON.stringify({ flowId: "f", flowData });
  try {
    checkFlow(compose(text));
    expect.unreachable();
  } catch (error) {
    const { problems } = error as { problems: { pointer: string }[] };
    expect(problems.map(({ pointer }) => pointer)).toEqual(["/flowData/nodes/0/config/condition"]);
  }
});

test("a node type that does not ship is but a warning: some worker may have it", () => {
  const warnings = checkFlow(compose(flow([{ id: "a", type: "translate" }])));
  expect(warnings.join("\n")).toContain('"translate"');
});

const EXAMPLES = fileURLToPath(new URL("../../examples/flows/", import.meta.url));
const examples = readdirSync(EXAMPLES);

test("there are example flows", () => {
  expect(examples.length).toBeGreaterThanOrEqual(3);
});

test.each(examples)("the example %s has nothing to warn of", (file) => {
  expect(checkFlow(compose(readFileSync(`${EXAMPLES}${file}`, "utf8")))).toEqual([]);
});
