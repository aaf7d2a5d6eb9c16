import { expect, test, vi } from "vitest";
import { containerOptions } from "../../src/cli/serve/worker-containers.ts";
import { loadConfig } from "../../src/config/load.ts";
import { ConfigError } from "../../src/domain/errors.ts";

function options(env: Record<string, string>, natsUrl = "nats://nats:4222", outlive = true) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    const say = () => {};
    return containerOptions({
      config: loadConfig(),
      natsUrl,
      values: {},
      baseId: "w",
      say,
      outlive,
    });
  } finally {
    vi.unstubAllEnvs();
  }
}

test("workers in containers get the settings that were given for workers, and no others", () => {
  const { env } = options({
    BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "7",
    BATUTA_WORKER_LABELS: "zone=eu",
    BATUTA_WORKER_DRAIN_TIMEOUT: "30s",
    BATUTA_WORKER_ID: "not-theirs",
    BATUTA_SUBJECT_PREFIX: "p",
    BATUTA_LOG_LEVEL: "debug",
    BATUTA_HTTP_TOKEN: "hunter2",
  });
  expect(env).toEqual({
    BATUTA_NATS_URL: "nats://nats:4222",
    BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "7",
    BATUTA_WORKER_LABELS: "zone=eu",
    BATUTA_WORKER_DRAIN_TIMEOUT: "30s",
    BATUTA_SUBJECT_PREFIX: "p",
    BATUTA_LOG_LEVEL: "debug",
  });
});

test("two Batutas on one engine are told apart by prefix, pool, server and network", () => {
  const marks = (env: Record<string, string>, url?: string) =>
    JSON.stringify(options(env, url).marks);
  const all = [
    marks({}),
    marks({ BATUTA_SUBJECT_PREFIX: "p" }),
    marks({ BATUTA_WORKER_POOL: "gpu" }),
    marks({ BATUTA_SCALING_DOCKER_NETWORK: "other_default" }),
    marks({}, "nats://elsewhere:4222"),
  ];
  expect(new Set(all).size).toBe(all.length);
  expect(marks({}, "nats://ada:secret@nats:4222")).toBe(marks({}, "nats://ada:other@nats:4222"));
});

test.each(["nats://127.0.0.1:4222", "nats://nats:4222,localhost:4223", "nats://u:p@[::1]:4222"])(
  "containers cannot reach %s, and that is said before any is started",
  (natsUrl) => {
    expect(() => options({}, natsUrl)).toThrow(ConfigError);
    expect(() => options({}, natsUrl)).toThrow(/is this machine alone, .*NETWORK=host/);
    expect(() => options({}, natsUrl)).not.toThrow(/u:p/);
    expect(options({ BATUTA_SCALING_DOCKER_NETWORK: "host" }, natsUrl).network).toBe("host");
    const env = { BATUTA_SCALING_DOCKER_NATS_URL: "nats://nats:4222" };
    expect(options(env, natsUrl).env.BATUTA_NATS_URL).toBe("nats://nats:4222");
  },
);

test("workers stay when other orchestrators can go on with them, and leave where nobody can", () => {
  expect(options({}).onClose).toBe("leave");
  expect(options({}, "nats://nats:4222", false).onClose).toBe("drain");
});
