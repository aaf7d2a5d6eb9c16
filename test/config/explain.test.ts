import { expect, test } from "vitest";
import { explainConfig } from "../../src/config/explain.ts";
import type { ConfigSources } from "../../src/config/load.ts";

function explained(name: string, sources: ConfigSources) {
  return explainConfig(sources).settings.find((setting) => setting.name === name);
}

test("each value tells where it comes from", () => {
  const env = { MIN_WORKERS: "3", BATUTA_LOG_LEVEL: "debug" };
  const sources: ConfigSources = { env, flags: { BATUTA_HTTP_PORT: "0" } };
  expect(explained("BATUTA_HTTP_PORT", sources)).toMatchObject({ source: "flag", value: "0" });
  expect(explained("BATUTA_LOG_LEVEL", sources)).toMatchObject({ source: "environment" });
  expect(explained("BATUTA_LOG_FORMAT", sources)).toMatchObject({
    source: "default",
    value: "auto",
  });
  expect(explained("BATUTA_SCALING_MIN_WORKERS", sources)).toMatchObject({
    source: "alias",
    from: "MIN_WORKERS",
    value: "3",
    path: "scaling.minWorkers",
  });
});

test("durations and sizes are shown as one would type them, unset values as nothing", () => {
  expect(explained("BATUTA_HTTP_WAIT_MAX_MS", { env: {} })?.value).toBe("60s");
  expect(
    explained("BATUTA_RETRY_BACKOFF_MAX", { env: { BATUTA_RETRY_BACKOFF_MAX: "300000" } })?.value,
  ).toBe("5m");
  const env = { BATUTA_HTTP_BODY_LIMIT_BYTES: "2097152" };
  expect(explained("BATUTA_HTTP_BODY_LIMIT_BYTES", { env })?.value).toBe("2MiB");
  expect(explained("BATUTA_NATS_URL", { env: {} })?.value).toBe("");
});

test("secrets and passwords are not shown", () => {
  const env = {
    BATUTA_HTTP_TOKEN: "hunter2",
    BATUTA_NATS_URL: "nats://ada:hunter2@a:4222,bob:hunter2@b",
  };
  expect(explained("BATUTA_HTTP_TOKEN", { env })?.value).toBe("(hidden)");
  expect(explained("BATUTA_NATS_URL", { env })?.value).toBe("nats://***@a:4222,***@b");
  expect(JSON.stringify(explainConfig({ env }))).not.toContain("hunter2");
});

test("what is wrong is told beside the rest, without throwing", () => {
  const { settings, problems } = explainConfig({
    env: { BATUTA_HTTP_PORT: "x", BATUTA_NOPE: "1" },
  });
  expect(settings.length).toBeGreaterThan(40);
  expect(problems.map(({ code }) => code)).toEqual(["E_CONFIG_UNKNOWN", "E_CONFIG_VALUE"]);
});
