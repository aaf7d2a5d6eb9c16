import { expect, test } from "vitest";
import { explainFailure } from "../../src/cli/failure.ts";
import {
  ConfigError,
  InvalidInputError,
  LaneFullError,
  NotFoundError,
  UnreachableError,
  WaitTimeoutError,
} from "../../src/domain/errors.ts";

test.each([
  [new ConfigError("wrong"), 2],
  [new InvalidInputError("wrong"), 2],
  [new UnreachableError("nobody there"), 3],
  [new LaneFullError("full"), 3],
  [new NotFoundError("nothing"), 4],
  [new WaitTimeoutError("late"), 5],
  [new TypeError("a bug"), 70],
  ["not even an error", 70],
])("%s ends with exit code %i", (thrown, exitCode) => {
  expect(explainFailure(thrown, false).exitCode).toBe(exitCode);
});

test("the problem, its causes and the next step are told, each once and without a stack trace", () => {
  const socket = new Error("connect ECONNREFUSED 127.0.0.1:4222");
  const refused = new Error("connection refused", { cause: socket });
  const same = new Error("no server answers", { cause: refused });
  const { lines } = explainFailure(
    new UnreachableError("no server answers", { cause: same }),
    false,
  );
  expect(lines).toEqual([
    "batuta: no server answers",
    "cause: connection refused",
    "cause: connect ECONNREFUSED 127.0.0.1:4222",
    "next: start everything with `batuta dev`, or name a server with --url or BATUTA_NATS_URL",
  ]);
});

test("a message that tells what to do gets no second advice", () => {
  const { lines } = explainFailure(new UnreachableError("nothing: run `batuta dev`"), false);
  expect(lines).toEqual(["batuta: nothing: run `batuta dev`"]);
});

test("every problem of an input is told with its place, its code and its hint", () => {
  const problems = [
    { code: "E_SCHEMA", pointer: "/nodes/0/id", detail: "must be string" },
    { code: "E_CYCLE", pointer: "", detail: "a cycle", hint: "break it" },
  ];
  const { lines } = explainFailure(new InvalidInputError("the flow", { problems }), false);
  expect(lines.slice(1)).toEqual([
    "  /nodes/0/id  must be string [E_SCHEMA]",
    "  (the whole)  a cycle [E_CYCLE]; break it",
  ]);
});

test("of thousands of problems the first 50 are told and the rest counted", () => {
  const problems = Array.from({ length: 1_000 }, (_, index) => ({
    code: "E_SCHEMA",
    pointer: `/nodes/${index}`,
    detail: "wrong",
  }));
  const { lines } = explainFailure(new InvalidInputError("the flow", { problems }), false);
  expect(lines).toHaveLength(52);
  expect(lines.at(-1)).toBe("  … and 950 more");
});

test("with debug logs the stack traces of the error and of its causes are told", () => {
  const cause = new RangeError("too deep");
  const { lines } = explainFailure(new TypeError("a bug", { cause }), true);
  expect(lines.join("\n")).toMatch(/TypeError: a bug\n {4}at [\s\S]*RangeError: too deep\n {4}at /);
});

test("a cause that is its own cause is no endless loop", () => {
  const error = new Error("round");
  error.cause = error;
  expect(explainFailure(error, false).lines).toHaveLength(2);
});
