import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { allRows, type VariableName } from "../../src/config/variables.ts";

/** For each setting: texts that it takes with what they mean, and texts that it refuses. */
const CASES: Readonly<Record<VariableName, { good: [string, unknown][]; bad: string[] }>> = {
  BATUTA_NATS_URL: {
    good: [
      ["nats://127.0.0.1:4222", "nats://127.0.0.1:4222"],
      ["tls://user:pass@nats.example.com", "tls://user:pass@nats.example.com"],
      ["a:4222, b:4222", "a:4222,b:4222"],
      ["nats://[::1]:4222", "nats://[::1]:4222"],
    ],
    bad: ["http://x", "amqp://x", "nats://", "nats://a:99999", "nats://a/b", "a,,b", "nats://a b"],
  },
  BATUTA_AMQP_URL: {
    good: [
      ["amqp://guest:guest@127.0.0.1:5672", "amqp://guest:guest@127.0.0.1:5672"],
      ["amqps://rabbit.example.com/flows", "amqps://rabbit.example.com/flows"],
    ],
    bad: ["nats://a", "amqp://", "rabbit:5672", "amqp://a b", "amqp://a?x=1"],
  },
  BATUTA_AMQP_PREFIX: { good: [["acme", "acme"]], bad: ["a.b", "a b", "#"] },
  BATUTA_AMQP_TOPOLOGY: { good: [["passive", "passive"]], bad: ["on", "Declare"] },
  BATUTA_AMQP_QUEUE_TYPE: { good: [["classic", "classic"]], bad: ["stream", "mirrored"] },
  BATUTA_AMQP_PREFETCH: { good: [["50", 50]], bad: ["0", "10001", "many"] },
  BATUTA_AMQP_HEARTBEAT: { good: [["5s", 5_000]], bad: ["0", "500ms", "11m"] },
  BATUTA_AMQP_CONFIRM_TIMEOUT: { good: [["10s", 10_000]], bad: ["0", "11m"] },
  BATUTA_AMQP_HTTP_PORT: {
    good: [
      ["0", 0],
      ["9090", 9090],
    ],
    bad: ["-1", "65536", "http"],
  },
  BATUTA_AMQP_HOLD_MAX: { good: [["5m", 300_000]], bad: ["0", "26m"] },
  BATUTA_NATS_SERVER_BIN: { good: [["/opt/nats-server", "/opt/nats-server"]], bad: [] },
  BATUTA_SUBJECT_PREFIX: { good: [["acme", "acme"]], bad: ["a.b", "a b", "*", ">", "ñ"] },
  BATUTA_NATS_REPLICAS: { good: [["3", 3]], bad: ["0", "6", "3.0", "-1", "three"] },
  BATUTA_DURABILITY: { good: [["strict", "strict"]], bad: ["STRICT", "none"] },
  BATUTA_DATA_DIR: {
    good: [
      ["/data", "/data"],
      ["data/x", "/srv/data/x"],
      ["~/data", "/home/ada/data"],
    ],
    bad: [],
  },
  BATUTA_CACHE_DIR: { good: [["/cache", "/cache"]], bad: [] },
  BATUTA_HTTP_ENABLED: {
    good: [
      ["false", false],
      ["0", false],
      ["Yes", true],
    ],
    bad: ["maybe", "2"],
  },
  BATUTA_HTTP_HOST: {
    good: [
      ["0.0.0.0", "0.0.0.0"],
      ["[::1]", "::1"],
    ],
    bad: ["http://x", "a b", "a/b"],
  },
  BATUTA_HTTP_PORT: {
    good: [
      ["0", 0],
      ["8080", 8080],
    ],
    bad: ["65536", "-1", "80a", "1e3", "0x50"],
  },
  BATUTA_HTTP_TOKEN: { good: [["s3cret", "s3cret"]], bad: ["two words", "ñ"] },
  BATUTA_HTTP_BODY_LIMIT_BYTES: {
    good: [
      ["2MiB", 2_097_152],
      ["65536", 65_536],
      ["0.5 MiB", 524_288],
    ],
    bad: ["1MB", "10", "1GiB", "-1"],
  },
  BATUTA_HTTP_WAIT_MAX_MS: {
    good: [
      ["30s", 30_000],
      ["250", 250],
      ["0", 0],
    ],
    bad: ["30 seconds", "2d", "-1s", "1.2.3s"],
  },
  BATUTA_INSPECT_ENABLED: { good: [["off", false]], bad: ["nope"] },
  BATUTA_INSPECT_REDACT: {
    good: [
      ["", []],
      ["email, phone", ["email", "phone"]],
    ],
    bad: [],
  },
  BATUTA_INSPECT_ORIGINS: {
    good: [
      ["", []],
      [
        "https://ops.example.org, http://localhost:8080",
        ["https://ops.example.org", "http://localhost:8080"],
      ],
    ],
    bad: [
      "*",
      "ops.example.org",
      "https://ops.example.org/",
      "https://a.example:443",
      "ws://a.example",
    ],
  },
  BATUTA_INSPECT_STATELY_BRIDGE: { good: [["on", true]], bad: ["nope"] },
  BATUTA_WORKER_ID: {
    good: [
      ["w-1", "w-1"],
      ["auto", undefined],
    ],
    bad: ["w.1", "a b", "w".repeat(65)],
  },
  BATUTA_WORKER_POOL: { good: [["gpu", "gpu"]], bad: ["a.b"] },
  BATUTA_WORKER_LABELS: {
    good: [["zone=eu, gpu=true,empty=", { zone: "eu", gpu: "true", empty: "" }]],
    bad: ["zone", "=x", "a=1,a=2", "a=1,", "a b=1"],
  },
  BATUTA_WORKER_MAX_CONCURRENT_FLOWS: { good: [["50", 50]], bad: ["0", "10001"] },
  BATUTA_WORKER_MAX_CONCURRENT_NODES: { good: [["50", 50]], bad: ["0"] },
  BATUTA_WORKER_MEMORY_LIMIT_MB: { good: [["2048", 2048]], bad: ["1"] },
  BATUTA_WORKER_CPU_LIMIT_CORES: { good: [["0.5", 0.5]], bad: ["0", "two"] },
  BATUTA_WORKER_HEARTBEAT_INTERVAL: {
    good: [
      ["500ms", 500],
      ["15s", 15_000],
    ],
    bad: ["1ms", "11m"],
  },
  BATUTA_WORKER_DRAIN_TIMEOUT: { good: [["1m", 60_000]], bad: ["25h"] },
  BATUTA_BALANCER_STRATEGY: {
    good: [
      ["round_robin", "round_robin"],
      ["weighted", "weighted"],
    ],
    bad: ["random"],
  },
  BATUTA_BALANCER_CAPACITY_LIMIT: { good: [["1", 1]], bad: ["0", "1.1", "80%"] },
  BATUTA_LANE_WEIGHTS: {
    good: [["5:2:1", { high: 5, normal: 2, low: 1 }]],
    bad: ["8:3", "8:3:0", "8:3:1:1", "a:b:c", "8,3,1", "1001:1:1"],
  },
  BATUTA_RETRY_MAX_ATTEMPTS: { good: [["1", 1]], bad: ["0", "101"] },
  BATUTA_RETRY_BACKOFF: { good: [["200ms", 200]], bad: ["soon"] },
  BATUTA_RETRY_BACKOFF_FACTOR: { good: [["1.5", 1.5]], bad: ["0.5"] },
  BATUTA_RETRY_BACKOFF_MAX: { good: [["1h", 3_600_000]], bad: ["25h"] },
  BATUTA_UNKNOWN_TYPES: { good: [["reject", "reject"]], bad: ["ignore"] },
  BATUTA_UNPLACEABLE_TIMEOUT: { good: [["5s", 5_000]], bad: ["never"] },
  BATUTA_TASK_MAX_PAYLOAD_BYTES: { good: [["1MiB", 1_048_576]], bad: ["1"] },
  BATUTA_TASK_ACK_WAIT: { good: [["1s", 1_000]], bad: ["10ms"] },
  BATUTA_JANITOR_INTERVAL: { good: [["5s", 5_000]], bad: ["10ms"] },
  BATUTA_SCALING_ENABLED: { good: [["off", false]], bad: ["nope"] },
  BATUTA_SCALING_PROVISIONER: {
    good: [
      ["none", "none"],
      ["process", "process"],
      ["docker", "docker"],
      ["kubernetes", "kubernetes"],
      ["keda", "keda"],
    ],
    bad: ["swarm"],
  },
  BATUTA_SCALING_DOCKER_IMAGE: {
    good: [["registry:5000/batuta:1.2@sha256:ab", "registry:5000/batuta:1.2@sha256:ab"]],
    bad: ["-v", "two words"],
  },
  BATUTA_SCALING_DOCKER_SOCKET: { good: [["/run/d.sock", "/run/d.sock"]], bad: [] },
  BATUTA_SCALING_DOCKER_NETWORK: { good: [["host", "host"]], bad: ["-x", "a b"] },
  BATUTA_SCALING_DOCKER_NATS_URL: { good: [["nats:4222", "nats:4222"]], bad: ["http://nats"] },
  BATUTA_SCALING_MIN_WORKERS: { good: [["0", 0]], bad: ["-1", "2.5"] },
  BATUTA_SCALING_MAX_WORKERS: { good: [["3", 3]], bad: ["0"] },
  BATUTA_QUEUE_HIGH_WATERMARK: { good: [["500", 500]], bad: ["0"] },
  BATUTA_QUEUE_LOW_WATERMARK: { good: [["50", 50]], bad: ["-1"] },
  BATUTA_SCALING_UP_LOAD: { good: [["0.9", 0.9]], bad: ["0", "1.1", "70%"] },
  BATUTA_SCALING_DOWN_LOAD: { good: [["0", 0]], bad: ["-0.1", "2"] },
  BATUTA_SCALING_DRAIN_TARGET: { good: [["1m", 60_000]], bad: ["0s", "25h"] },
  BATUTA_SCALING_UTILISATION: { good: [["0.5", 0.5]], bad: ["0", "1.5"] },
  BATUTA_SCALING_UP_STEP: { good: [["3", 3]], bad: ["0", "1.5"] },
  BATUTA_SCALING_DOWN_STEP: { good: [["2", 2]], bad: ["0", "-1"] },
  BATUTA_SCALING_UP_COOLDOWN: { good: [["0", 0]], bad: ["-1s", "2h"] },
  BATUTA_SCALING_DOWN_COOLDOWN: { good: [["5m", 300_000]], bad: ["x"] },
  BATUTA_SCALING_DOWN_STABILIZATION: { good: [["0", 0]], bad: ["x"] },
  BATUTA_SCALING_EVALUATION_INTERVAL: { good: [["30s", 30_000]], bad: ["50ms", "2h"] },
  BATUTA_SCALING_STARTUP_TIMEOUT: { good: [["2m", 120_000]], bad: ["500ms"] },
  BATUTA_SCALING_K8S_NAMESPACE: {
    good: [
      ["flows", "flows"],
      ["n".repeat(63), "n".repeat(63)],
    ],
    bad: ["a/b", "../x", "Flows", "-a", "n".repeat(64)],
  },
  BATUTA_SCALING_K8S_DEPLOYMENT: {
    good: [["crew-2", "crew-2"]],
    bad: ["a.b", "a_b", "a-", "a?x", "w".repeat(48)],
  },
  BATUTA_SCALING_KEDA_PORT: { good: [["6000", 6_000]], bad: ["65536", "-1"] },
  BATUTA_DECISIONS_ASSIGN_SAMPLE: { good: [["0.01", 0.01]], bad: ["2", "-1", "all"] },
  BATUTA_SHUTDOWN_TIMEOUT: { good: [["2m", 120_000]], bad: ["x"] },
  BATUTA_LOG_LEVEL: { good: [["debug", "debug"]], bad: ["verbose"] },
  BATUTA_LOG_FORMAT: { good: [["json", "json"]], bad: ["xml"] },
};

function settingOf(name: string, env: Record<string, string>): unknown {
  const row = allRows().find(({ variable }) => variable.name === name);
  const config = loadConfig({ env: { HOME: "/home/ada", ...env }, cwd: "/srv" });
  return (config as unknown as Record<string, Record<string, unknown>>)[row?.topic ?? ""]?.[
    row?.field ?? ""
  ];
}

test("the cases below cover every setting", () => {
  const names = allRows().map(({ variable }) => variable.name);
  expect(Object.keys(CASES).sort()).toEqual([...names].sort());
  expect(new Set(names).size).toBe(names.length);
});

describe.each(Object.entries(CASES))("%s", (name, { good, bad }) => {
  test.each(good)("reads %j", (text, value) => {
    expect(settingOf(name, { [name]: text })).toEqual(value);
  });

  test.each(bad)("refuses %j, naming itself and what it accepts", (text) => {
    const kind = allRows().find(({ variable }) => variable.name === name)?.variable.kind;
    expect(() => loadConfig({ env: { [name]: text } })).toThrow(`${name}: `);
    expect(() => loadConfig({ env: { [name]: text } })).toThrow(`accepts ${kind?.accepts}`);
  });
});

test("the defaults are those of the contract", () => {
  expect(loadConfig({ env: { HOME: "/home/ada" }, cwd: "/srv" })).toEqual({
    nats: {
      url: undefined,
      serverBin: undefined,
      subjectPrefix: "",
      replicas: 1,
      durability: "standard",
    },
    paths: { dataDir: "/srv/.batuta", cacheDir: "/home/ada/.cache/batuta" },
    http: {
      enabled: true,
      host: "127.0.0.1",
      port: 3000,
      token: undefined,
      bodyLimitBytes: 1_048_576,
      waitMaxMs: 60_000,
    },
    inspect: { enabled: true, redact: [], origins: [], statelyBridge: false },
    amqp: {
      url: undefined,
      prefix: "batuta",
      topology: "declare",
      queueType: "quorum",
      prefetch: 200,
      heartbeatMs: 20_000,
      confirmTimeoutMs: 30_000,
      holdMaxMs: 600_000,
      httpPort: undefined,
    },
    worker: {
      id: undefined,
      pool: "default",
      labels: {},
      maxConcurrentFlows: 5,
      maxConcurrentNodes: 10,
      memoryLimitMB: 1024,
      cpuLimitCores: 2,
      heartbeatIntervalMs: 2_000,
      drainTimeoutMs: 60_000,
    },
    balancer: { strategy: "least_busy", capacityLimit: 0.8 },
    lanes: { weights: { high: 8, normal: 3, low: 1 } },
    retry: { maxAttempts: 5, backoffMs: 1_000, backoffFactor: 2, backoffMaxMs: 300_000 },
    dispatch: { unknownTypes: "wait", unplaceableTimeoutMs: 600_000, ackWaitMs: 30_000 },
    janitor: { intervalMs: 60_000 },
    limits: { taskMaxPayloadBytes: 524_288 },
    scaling: {
      enabled: true,
      provisioner: undefined,
      minWorkers: 2,
      maxWorkers: 20,
      highWatermark: 1_000,
      lowWatermark: 100,
      upLoad: 0.7,
      downLoad: 0.3,
      drainTargetMs: 30_000,
      utilisation: 0.75,
      upStep: 1,
      downStep: 1,
      upCooldownMs: 10_000,
      downCooldownMs: 60_000,
      stabilizationMs: 180_000,
      evaluationIntervalMs: 60_000,
      startupTimeoutMs: 60_000,
      dockerImage: "batuta:local",
      dockerSocket: "/var/run/docker.sock",
      dockerNetwork: undefined,
      dockerNatsUrl: undefined,
      k8sNamespace: undefined,
      k8sDeployment: "batuta-worker",
      kedaPort: 0,
    },
    decisions: { assignSample: 0 },
    process: { shutdownTimeoutMs: 90_000 },
    log: { level: "info", format: "auto" },
  });
});
