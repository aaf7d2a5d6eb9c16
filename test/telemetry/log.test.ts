import { spawnSync } from "node:child_process";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createLog, type LogOptions } from "../../src/telemetry/log.ts";

/** A log and the text that it wrote. */
function captured(options: Partial<LogOptions> = {}, isTTY = false) {
  let text = "";
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  const output = Object.assign(sink, { isTTY });
  const log = createLog({ level: "info", format: "auto", ...options, output });
  return {
    log,
    text: () => text,
    lines: () =>
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
  };
}

test("a line is one JSON object with its ids as fields", () => {
  const { log, lines } = captured({ base: { process: "orchestrator" } });
  log.child({ workerId: "w1" }).info({ executionId: "e1", attempt: 2 }, "execution assigned");
  expect(lines()).toEqual([
    {
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      service: "batuta",
      process: "orchestrator",
      workerId: "w1",
      executionId: "e1",
      attempt: 2,
      msg: "execution assigned",
    },
  ]);
});

test("lines below the level are not written", () => {
  const { log, lines } = captured({ level: "warn" });
  log.info({}, "quiet");
  log.warn({}, "loud");
  expect(lines().map(({ msg }) => msg)).toEqual(["loud"]);
});

test("tokens, passwords and credentials are hidden, up to two levels down", () => {
  const { log, text, lines } = captured();
  log.info(
    {
      token: "hunter2",
      headers: { authorization: "Bearer hunter2", accept: "*/*" },
      node: { config: { password: "hunter2" }, credentials: { connection: "hunter2" } },
    },
    "node started",
  );
  expect(text()).not.toContain("hunter2");
  expect(lines()[0]).toMatchObject({ token: "[hidden]", headers: { accept: "*/*" } });
});

test.each(["json", "pretty"] as const)(
  "passwords in URLs are hidden wherever they stand (%s)",
  (format) => {
    const { log, text } = captured({ format });
    const url = "nats://ada:hunt@er2@nats.example.com:4222";
    log.error({ url, err: new Error(`no answer from ${url}`) }, `cannot reach ${url}`);
    expect(text()).not.toContain("er2");
    expect(
      text().match(/nats:\/\/\[hidden\]@nats\.example\.com:4222/g)?.length,
    ).toBeGreaterThanOrEqual(3);
  },
);

test("mail addresses and paths are left as they are", () => {
  const { log, lines } = captured();
  log.info({ requestedBy: "ada@example.com", url: "https://example.com/@ada" }, "accepted");
  expect(lines()[0]).toMatchObject({
    requestedBy: "ada@example.com",
    url: "https://example.com/@ada",
  });
});

test("auto is pretty on a terminal, with one line for each fact", () => {
  const { log, text } = captured({}, true);
  log.info({ executionId: "e1" }, "execution assigned");
  expect(text()).toContain("execution assigned");
  expect(text()).toContain("e1");
  expect(text().trim().split("\n")).toHaveLength(1);
  expect(() => JSON.parse(text())).toThrow();
});

test("an error keeps its stack and its cause", () => {
  const { log, lines } = captured();
  log.error({ err: new Error("outer", { cause: new Error("inner") }) }, "failed");
  expect(lines()[0].err).toMatchObject({ type: "Error", stack: expect.stringContaining("inner") });
});

test("without another output, lines go to standard error and standard output stays clean", () => {
  const module = fileURLToPath(new URL("../../src/telemetry/log.ts", import.meta.url));
  const code = `const { createLog } = await import(${JSON.stringify(module)});
    for (const format of ["json", "pretty"]) createLog({ level: "info", format }).info({}, "hello " + format);`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", code];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(stdout).toBe("");
  expect(stderr).toContain("hello json");
  expect(stderr).toContain("hello pretty");
});
