import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type ConfigSources, loadConfig } from "../../src/config/load.ts";
import { ConfigError } from "../../src/domain/errors.ts";

const dir = mkdtempSync(join(tmpdir(), "batuta-config-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function errorOf(sources: ConfigSources): ConfigError {
  try {
    loadConfig(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error;
  }
  throw new Error("loadConfig did not throw a ConfigError");
}

test("a flag wins over the environment, and the environment over the default", () => {
  const env = { BATUTA_HTTP_PORT: "4000", BATUTA_HTTP_HOST: "localhost" };
  const { http } = loadConfig({ env, flags: { BATUTA_HTTP_PORT: "5000" } });
  expect(http).toMatchObject({ port: 5000, host: "localhost", waitMaxMs: 60_000 });
});

test("a flag that was not given leaves the environment alone", () => {
  const sources = { env: { BATUTA_HTTP_PORT: "4000" }, flags: { BATUTA_HTTP_PORT: undefined } };
  expect(loadConfig(sources).http.port).toBe(4000);
});

test("nobody can change the settings, at any depth", () => {
  const config = loadConfig({ env: { BATUTA_WORKER_LABELS: "zone=eu" } });
  for (const frozen of [config, config.http, config.lanes.weights, config.worker.labels]) {
    expect(Object.isFrozen(frozen)).toBe(true);
  }
});

test("an empty variable counts as unset, as a compose file writes it", () => {
  expect(loadConfig({ env: { BATUTA_NATS_URL: "", BATUTA_HTTP_PORT: "  " } })).toMatchObject({
    nats: { url: undefined },
    http: { port: 3000 },
  });
});

test("all errors are told at once, each on its line", () => {
  const env = {
    BATUTA_HTTP_PORT: "http",
    BATUTA_LOG_LEVEL: "loud",
    BATUTA_HTP_HOST: "x",
    BATUTA_SCALING_MIN_WORKERS: "9",
    BATUTA_SCALING_MAX_WORKERS: "3",
  };
  const error = errorOf({ env });
  expect(error.message).toBe(
    [
      "4 settings are wrong:",
      "  BATUTA_HTP_HOST is not a setting; the nearest is BATUTA_HTTP_HOST",
      '  BATUTA_HTTP_PORT: "http" does not fit; it accepts a whole number from 0 to 65535',
      '  BATUTA_LOG_LEVEL: "loud" does not fit; it accepts trace, debug, info, warn, error, fatal, silent',
      "  BATUTA_SCALING_MIN_WORKERS (9) is above BATUTA_SCALING_MAX_WORKERS (3)",
      "All settings: docs/configuration.md",
    ].join("\n"),
  );
  expect(error.problems.map(({ pointer }) => pointer)).toEqual([
    "",
    "/http/port",
    "/log/level",
    "/scaling/minWorkers",
  ]);
});

test.each([
  ["BATUTA_HTP_PORT", "BATUTA_HTTP_PORT"],
  ["BATUTA_PORT", "BATUTA_HTTP_PORT"],
  ["BATUTA_TOKEN", "BATUTA_HTTP_TOKEN"],
  ["BATUTA_MIN_WORKERS", "BATUTA_SCALING_MIN_WORKERS"],
  ["BATUTA_HIGH_WATER_MARK", "BATUTA_QUEUE_HIGH_WATERMARK"],
  ["BATUTA_NATS_URLS", "BATUTA_NATS_URL"],
  ["BATUTA_MAX_ATTEMPTS", "BATUTA_RETRY_MAX_ATTEMPTS"],
  ["BATUTA_LOGLEVEL", "BATUTA_LOG_LEVEL"],
  ["BATUTA_NATS_URL_FILE", "BATUTA_NATS_URL"],
])("%s is answered with %s", (typed, meant) => {
  expect(errorOf({ env: { [typed]: "1" } }).message).toContain(
    `${typed} is not a setting; the nearest is ${meant}\n`,
  );
});

test("names of the test harness and of other programs are left alone", () => {
  expect(() => loadConfig({ env: { BATUTA_TEST_NATS: "newest", PATH: "/bin" } })).not.toThrow();
});

test("the seed's names are read where the BATUTA_ name is not set", () => {
  const seed = { MIN_WORKERS: "3", MAX_WORKERS: "9", HIGH_WATER_MARK: "500", LOW_WATER_MARK: "50" };
  const expected = { minWorkers: 3, maxWorkers: 9, highWatermark: 500, lowWatermark: 50 };
  expect(loadConfig({ env: seed }).scaling).toMatchObject(expected);
  const both = { ...seed, BATUTA_SCALING_MIN_WORKERS: "4" };
  expect(loadConfig({ env: both }).scaling.minWorkers).toBe(4);
});

test("a wrong value under a seed name is told in that name", () => {
  expect(errorOf({ env: { MIN_WORKERS: "many" } }).message).toContain('MIN_WORKERS: "many"');
  const crossed = errorOf({ env: { MIN_WORKERS: "30" } }).message;
  expect(crossed).toContain("MIN_WORKERS (30) is above BATUTA_SCALING_MAX_WORKERS (20)");
});

test.each([
  [
    { HIGH_WATER_MARK: "100" },
    "BATUTA_QUEUE_LOW_WATERMARK (100) is not below HIGH_WATER_MARK (100)",
  ],
  [
    { BATUTA_RETRY_BACKOFF: "10m", BATUTA_RETRY_BACKOFF_MAX: "1m" },
    "BATUTA_RETRY_BACKOFF (10m) is above BATUTA_RETRY_BACKOFF_MAX (1m)",
  ],
  [
    { BATUTA_WORKER_DRAIN_TIMEOUT: "5m", BATUTA_SHUTDOWN_TIMEOUT: "1m" },
    "BATUTA_WORKER_DRAIN_TIMEOUT (5m) is above BATUTA_SHUTDOWN_TIMEOUT (1m): the process would exit before its drain ends",
  ],
])("settings that contradict each other are refused: %j", (env, message) => {
  expect(errorOf({ env }).message).toContain(message);
});

test("where only one of two is given, the default of the other gives way", () => {
  expect(() => loadConfig({ env: { BATUTA_SHUTDOWN_TIMEOUT: "5s" } })).not.toThrow();
  expect(() => loadConfig({ env: { BATUTA_RETRY_BACKOFF_MAX: "100ms" } })).not.toThrow();
});

test("the token may come from a file", () => {
  const file = join(dir, "token");
  writeFileSync(file, "s3cret\n");
  expect(loadConfig({ env: { BATUTA_HTTP_TOKEN_FILE: file } }).http.token).toBe("s3cret");
});

test("a token file that is missing, empty or one of two is refused", () => {
  const empty = join(dir, "empty");
  writeFileSync(empty, "\n");
  const of = (env: Record<string, string>) => errorOf({ env }).message;
  expect(of({ BATUTA_HTTP_TOKEN_FILE: join(dir, "none") })).toMatch(/TOKEN_FILE: .*ENOENT/);
  expect(of({ BATUTA_HTTP_TOKEN_FILE: empty })).toContain("is empty");
  expect(of({ BATUTA_HTTP_TOKEN_FILE: empty, BATUTA_HTTP_TOKEN: "x" })).toContain(
    "BATUTA_HTTP_TOKEN and BATUTA_HTTP_TOKEN_FILE are both set: set one",
  );
});

test("a token that does not fit is not repeated in the error", () => {
  const error = errorOf({ env: { BATUTA_HTTP_TOKEN: "hunter2 hunter2" } });
  expect(error.message).toContain("BATUTA_HTTP_TOKEN: the value does not fit");
  expect(error.message).not.toContain("hunter2");
});

test("a wrong flag is told as a flag", () => {
  const error = errorOf({ env: {}, flags: { BATUTA_HTTP_PORT: "x" } });
  expect(error.message).toContain('the flag for BATUTA_HTTP_PORT: "x" does not fit');
});

test("without sources the environment of the process is read", () => {
  process.env.BATUTA_HTTP_PORT = "4711";
  try {
    expect(loadConfig().http.port).toBe(4711);
  } finally {
    delete process.env.BATUTA_HTTP_PORT;
  }
});
