import fc from "fast-check";
import { expect, test } from "vitest";
import { splitTemplate } from "../../src/engine/expressions/template-text.ts";
import { codesOf, outputOf, setFlow } from "./fixtures.ts";

const filled = (value: unknown, inputs: unknown = {}) => outputOf(setFlow(value), inputs);

test("a text that is exactly one expression has the value's own type", async () => {
  const inputs = { n: 5, list: [1, 2], flag: false, nothing: null };
  expect(await filled("{{ inputs.n }}", inputs)).toBe(5);
  expect(await filled("{{inputs.list}}", inputs)).toEqual([1, 2]);
  expect(await filled("{{ inputs.flag }}", inputs)).toBe(false);
  expect(await filled("{{ inputs.nothing }}", inputs)).toBeNull();
});

test("in a longer text strings stand as they are and anything else as JSON", async () => {
  const inputs = { name: "Ana", n: 2, list: [1, "x"], nothing: null };
  const text = "{{ inputs.name }} has {{inputs.n}}: {{ inputs.list }}, {{ inputs.nothing }}";
  expect(await filled(text, inputs)).toBe('Ana has 2: [1,"x"], null');
  expect(await filled(" {{ inputs.n }}", inputs)).toBe(" 2");
});

test("templates stand anywhere in JSON", async () => {
  const value = { a: [1, { b: "{{ inputs.n }}" }], "c/d": "n={{ inputs.n }}", e: null, f: "plain" };
  expect(await filled(value, { n: 3 })).toEqual({
    a: [1, { b: 3 }],
    "c/d": "n=3",
    e: null,
    f: "plain",
  });
});

test("braces and quotes inside an expression do not end it", async () => {
  expect(await filled('{{ {"a": {"b": 1}} }}')).toEqual({ a: { b: 1 } });
  expect(await filled("{{ \"}}\" + '{{' }}")).toBe("}}{{");
  expect(await filled('a {{ "it\\"s }}" }} b')).toBe('a it"s }} b');
  expect(await filled('{{ """tri"ple }}""" }}')).toBe('tri"ple }}');
});

test("single braces and closing braces alone are plain text", async () => {
  expect(await filled("a { b } }} c")).toBe("a { b } }} c");
});

test("an expression that is not closed is refused where it stands", () => {
  expect(codesOf(setFlow({ x: ["{{ inputs.n"] }))).toEqual([
    "E_EXPR_SYNTAX /nodes/0/config/value/x/0",
  ]);
});

test("what stands in a key is a key", async () => {
  expect(await filled({ "{{ x }}": 1 })).toEqual({ "{{ x }}": 1 });
});

test("the inputs of an execution are not read as templates", async () => {
  expect(await filled("{{ inputs.text }}", { text: "{{ 1 + 1 }}" })).toBe("{{ 1 + 1 }}");
});

test("splitting loses nothing of a text", () => {
  const piece = fc.constantFrom("{{", "}}", "{", "}", '"', "'", "\\", "a", " ");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join("");
      const split = splitTemplate(text);
      if (!split.ok) return;
      const plain = split.parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
      const rest = split.parts.length - plain.length;
      expect(text.includes("{{")).toBe(rest > 0);
      expect(plain.join("").length).toBeLessThanOrEqual(text.length - 4 * rest);
    }),
  );
});
