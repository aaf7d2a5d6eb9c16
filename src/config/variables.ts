import { STRATEGIES } from "../domain/balancing.ts";
import { PROVISIONER_KINDS } from "../domain/provisioning.ts";
import { bytes, decimal, duration, flag, integer, oneOf, text } from "./kind.ts";
import {
  amqpUrl,
  host,
  labels,
  laneWeights,
  names,
  natsUrl,
  origins,
  path,
  workerId,
} from "./special-kinds.ts";
import { optional, setting, type Variable } from "./variable.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const token = text(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 of A-Z a-z 0-9 _ -");
const tokenOrNone = text(/^[A-Za-z0-9_-]{0,64}$/, "one token of up to 64 of A-Z a-z 0-9 _ -");
const kubernetesLabel = text(
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  "1 to 63 of a-z 0-9 -, with no - at its ends",
);
// With the 17 characters that Kubernetes adds to it a pod still has a name that can be a worker id.
const deploymentName = text(
  /^[a-z0-9]([a-z0-9-]{0,45}[a-z0-9])?$/,
  "1 to 47 of a-z 0-9 -, with no - at its ends",
);
const dockerName = text(
  /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/,
  "the name of a network of the engine, or host",
);
const image = text(
  /^[A-Za-z0-9][\w.:/@-]{0,255}$/,
  "the name of an image, like batuta:local or registry:5000/batuta@sha256:…",
);
const secret = text(/^[\x21-\x7e]{1,512}$/, "1 to 512 printable ASCII characters without spaces");

/**
 * Every setting of Batuta, and nowhere else: `VARIABLES.http.port` is read from BATUTA_HTTP_PORT into
 * `config.http.port`. docs/configuration.md is generated from here.
 */
// biome-ignore format: one row, one setting
const VARIABLES = {
  nats: {
    url: optional("BATUTA_NATS_URL", natsUrl, "The NATS server to use. Unset: a server of our own is started, see BATUTA_NATS_SERVER_BIN."),
    serverBin: optional("BATUTA_NATS_SERVER_BIN", path, "The nats-server program to start. Unset: the one on PATH, else the one that `batuta nats install` put into the cache."),
    subjectPrefix: setting("BATUTA_SUBJECT_PREFIX", tokenOrNone, "", "One token put before every subject, stream and bucket name, so that several Batutas share an account."),
    replicas: setting("BATUTA_NATS_REPLICAS", integer({ min: 1, max: 5 }), "1", "Copies of each stream and bucket in a NATS cluster."),
    durability: setting("BATUTA_DURABILITY", oneOf("standard", "strict"), "standard", "standard: acknowledged work survives any process crash. strict: also a power cut, on a server >= 2.10 with `sync_interval: always`."),
  },
  paths: {
    dataDir: setting("BATUTA_DATA_DIR", path, ".batuta", "Where the embedded server keeps its data."),
    cacheDir: setting("BATUTA_CACHE_DIR", path, "~/.cache/batuta", "Where `batuta nats install` keeps the server program."),
  },
  http: {
    enabled: setting("BATUTA_HTTP_ENABLED", flag, "true", "Whether the orchestrator serves the HTTP API."),
    host: setting("BATUTA_HTTP_HOST", host, "127.0.0.1", "The address that the HTTP API listens on. Any but a loopback address needs BATUTA_HTTP_TOKEN."),
    port: setting("BATUTA_HTTP_PORT", integer({ min: 0, max: 65_535 }), "3000", "The port of the HTTP API; 0 takes any free one and says which."),
    token: optional("BATUTA_HTTP_TOKEN", secret, "The bearer token that HTTP clients must send. Unset: only loopback is served, without a token.", { secret: true }),
    bodyLimitBytes: setting("BATUTA_HTTP_BODY_LIMIT_BYTES", bytes({ min: 1_024, max: 67_108_864 }), "1MiB", "The largest request body; a larger one is answered 413."),
    waitMaxMs: setting("BATUTA_HTTP_WAIT_MAX_MS", duration({ min: 0, max: HOUR }), "60s", "The longest that `?wait=` holds a request open; a longer wish is cut to this."),
  },
  inspect: {
    enabled: setting("BATUTA_INSPECT_ENABLED", flag, "true", "Whether this process tells of its actors while somebody watches, and an orchestrator serves /inspect."),
    redact: setting("BATUTA_INSPECT_REDACT", names, "", "Names of fields of contexts and events that are taken out before they leave the process, beside passwords, tokens, keys and the payloads of flows."),
    origins: setting("BATUTA_INSPECT_ORIGINS", origins, "", "Origins besides the orchestrator's own whose web pages may watch actors over its WebSockets."),
    statelyBridge: setting("BATUTA_INSPECT_STATELY_BRIDGE", flag, "false", "Whether /inspect/stately.html is served, which shows the actors in the inspector that Stately hosts: their contexts and events go to that third party."),
  },
  amqp: {
    url: optional("BATUTA_AMQP_URL", amqpUrl, "The RabbitMQ broker that `batuta bridge` joins, with its vhost.", { secret: true }),
    prefix: setting("BATUTA_AMQP_PREFIX", token, "batuta", "What the names of its exchanges and queues begin with."),
    topology: setting("BATUTA_AMQP_TOPOLOGY", oneOf("declare", "passive", "off"), "declare", "declare: exchanges and queues that are missing are made. passive: it waits until they are there. off: it does not look."),
    queueType: setting("BATUTA_AMQP_QUEUE_TYPE", oneOf("quorum", "classic"), "quorum", "The type of the queues that it declares."),
    prefetch: setting("BATUTA_AMQP_PREFETCH", integer({ min: 1, max: 10_000 }), "200", "How many messages of each queue it holds unacknowledged."),
    heartbeatMs: setting("BATUTA_AMQP_HEARTBEAT", duration({ min: 1_000, max: 10 * MINUTE }), "20s", "How often broker and bridge tell each other that they are there."),
    confirmTimeoutMs: setting("BATUTA_AMQP_CONFIRM_TIMEOUT", duration({ min: 1_000, max: 10 * MINUTE }), "30s", "How long the broker may owe a confirm before the connection counts as broken."),
    holdMaxMs: setting("BATUTA_AMQP_HOLD_MAX", duration({ min: 1_000, max: 25 * MINUTE }), "10m", "How long messages are held while NATS takes nothing, before they are handed back to the broker. Less than its consumer_timeout (30 min)."),
    httpPort: optional("BATUTA_AMQP_HTTP_PORT", integer({ min: 0, max: 65_535 }), "Where the bridge serves /livez, /readyz, /bridge/health and /metrics, on BATUTA_HTTP_HOST; 0 takes any free port. Unset: nowhere."),
  },
  worker: {
    id: setting("BATUTA_WORKER_ID", workerId, "auto", "The id of this worker; auto makes one up. Two workers with one id evict each other."),
    pool: setting("BATUTA_WORKER_POOL", token, "default", "The pool that this worker belongs to."),
    labels: setting("BATUTA_WORKER_LABELS", labels, "", "What flows may ask of a worker, like zone=eu,gpu=true."),
    maxConcurrentFlows: setting("BATUTA_WORKER_MAX_CONCURRENT_FLOWS", integer({ min: 1, max: 10_000 }), "5", "How many executions a worker holds at once: its slots."),
    maxConcurrentNodes: setting("BATUTA_WORKER_MAX_CONCURRENT_NODES", integer({ min: 1, max: 100_000 }), "10", "How many nodes, of all its executions, a worker runs at once."),
    memoryLimitMB: setting("BATUTA_WORKER_MEMORY_LIMIT_MB", integer({ min: 32, max: 1_048_576 }, "MB"), "1024", "The memory that counts as 100 % in the worker's health."),
    cpuLimitCores: setting("BATUTA_WORKER_CPU_LIMIT_CORES", decimal({ min: 0.1, max: 1_024 }, "cores"), "2", "The CPU that counts as 100 % in the worker's health."),
    heartbeatIntervalMs: setting("BATUTA_WORKER_HEARTBEAT_INTERVAL", duration({ min: 50, max: 10 * MINUTE }), "2s", "How often a worker beats; silent for 2.5 intervals it is suspect."),
    drainTimeoutMs: setting("BATUTA_WORKER_DRAIN_TIMEOUT", duration({ min: 0, max: 24 * HOUR }), "60s", "How long a draining worker may finish what it holds; then the rest moves to other workers."),
  },
  balancer: {
    strategy: setting("BATUTA_BALANCER_STRATEGY", oneOf(...STRATEGIES), "least_busy", "How a worker is chosen among those that could take a task."),
    capacityLimit: setting("BATUTA_BALANCER_CAPACITY_LIMIT", decimal({ min: 0.01, max: 1 }), "0.8", "The share of a worker's slots that is filled at most."),
  },
  lanes: {
    weights: setting("BATUTA_LANE_WEIGHTS", laneWeights, "8:3:1", "The shares of the lanes high:normal:low while all of them have work."),
  },
  retry: {
    maxAttempts: setting("BATUTA_RETRY_MAX_ATTEMPTS", integer({ min: 1, max: 100 }), "5", "Attempts in all, the first included, where the message sets none."),
    backoffMs: setting("BATUTA_RETRY_BACKOFF", duration({ min: 0, max: 24 * HOUR }), "1s", "The longest delay before the second attempt; the delay is random below it (full jitter)."),
    backoffFactor: setting("BATUTA_RETRY_BACKOFF_FACTOR", decimal({ min: 1, max: 100 }), "2", "What the delay is multiplied by for each further attempt."),
    backoffMaxMs: setting("BATUTA_RETRY_BACKOFF_MAX", duration({ min: 0, max: 24 * HOUR }), "5m", "The delay never grows beyond this."),
  },
  dispatch: {
    unknownTypes: setting("BATUTA_UNKNOWN_TYPES", oneOf("wait", "reject"), "wait", "A flow with a node type that no worker knows: wait for such a worker, or reject it as invalid."),
    unplaceableTimeoutMs: setting("BATUTA_UNPLACEABLE_TIMEOUT", duration({ min: 0, max: 24 * HOUR }), "10m", "How long a task waits for a worker that could take it, before it is dead-lettered as unsupported."),
    ackWaitMs: setting("BATUTA_TASK_ACK_WAIT", duration({ min: 500, max: HOUR }), "30s", "A task that shows no progress for so long is delivered again; workers report every third of it."),
  },
  janitor: {
    intervalMs: setting("BATUTA_JANITOR_INTERVAL", duration({ min: 100, max: 24 * HOUR }), "60s", "How often the leading orchestrator looks for orphans: messages that stay in a lane and that its consumer delivers to nobody. Seen twice, and older than twice BATUTA_TASK_ACK_WAIT, they are put back."),
  },
  limits: {
    taskMaxPayloadBytes: setting("BATUTA_TASK_MAX_PAYLOAD_BYTES", bytes({ min: 1_024, max: 67_108_864 }), "512KiB", "The largest flow message; a larger one is dead-lettered as too_large."),
  },
  scaling: {
    enabled: setting("BATUTA_SCALING_ENABLED", flag, "true", "false freezes the number of workers."),
    provisioner: optional("BATUTA_SCALING_PROVISIONER", oneOf(...PROVISIONER_KINDS), "What starts and stops workers (docs/scaling.md). Unset: process for `batuta dev`, none for `batuta run`."),
    minWorkers: setting("BATUTA_SCALING_MIN_WORKERS", integer({ min: 0, max: 10_000 }), "2", "The fewest workers; `batuta dev` starts as many.", { alias: "MIN_WORKERS" }),
    maxWorkers: setting("BATUTA_SCALING_MAX_WORKERS", integer({ min: 1, max: 10_000 }), "20", "The most workers.", { alias: "MAX_WORKERS" }),
    highWatermark: setting("BATUTA_QUEUE_HIGH_WATERMARK", integer({ min: 1, max: 1_000_000_000 }), "1000", "More waiting executions than this ask for another worker.", { alias: "HIGH_WATER_MARK" }),
    lowWatermark: setting("BATUTA_QUEUE_LOW_WATERMARK", integer({ min: 0, max: 1_000_000_000 }), "100", "Workers are retired only below this many waiting executions.", { alias: "LOW_WATER_MARK" }),
    upLoad: setting("BATUTA_SCALING_UP_LOAD", decimal({ min: 0.01, max: 1 }), "0.7", "A mean load above this asks for another worker: the share of the slots that may be filled which is."),
    downLoad: setting("BATUTA_SCALING_DOWN_LOAD", decimal({ min: 0, max: 1 }), "0.3", "Workers are retired only below this mean load."),
    drainTargetMs: setting("BATUTA_SCALING_DRAIN_TARGET", duration({ min: 1_000, max: 24 * HOUR }), "30s", "The fleet is sized to work a backlog off within this time."),
    utilisation: setting("BATUTA_SCALING_UTILISATION", decimal({ min: 0.01, max: 1 }), "0.75", "The fleet is sized so that this share of its slots is busy."),
    upStep: setting("BATUTA_SCALING_UP_STEP", integer({ min: 1, max: 1_000 }), "1", "How many workers are added where the load alone does not ask for more of them."),
    downStep: setting("BATUTA_SCALING_DOWN_STEP", integer({ min: 1, max: 1_000 }), "1", "How many workers are retired at a time."),
    upCooldownMs: setting("BATUTA_SCALING_UP_COOLDOWN", duration({ min: 0, max: HOUR }), "10s", "The least time between two scale-ups."),
    downCooldownMs: setting("BATUTA_SCALING_DOWN_COOLDOWN", duration({ min: 0, max: 24 * HOUR }), "60s", "The least time from a scaling to the next scale-down."),
    stabilizationMs: setting("BATUTA_SCALING_DOWN_STABILIZATION", duration({ min: 0, max: 24 * HOUR }), "180s", "The fleet never shrinks below what the load asked for within this time."),
    evaluationIntervalMs: setting("BATUTA_SCALING_EVALUATION_INTERVAL", duration({ min: 100, max: HOUR }), "60s", "How often scaling is decided; a lane above its watermark and the like have it decided at once."),
    startupTimeoutMs: setting("BATUTA_SCALING_STARTUP_TIMEOUT", duration({ min: 1_000, max: HOUR }), "60s", "A worker that was started and has not registered by then is given up."),
    dockerImage: setting("BATUTA_SCALING_DOCKER_IMAGE", image, "batuta:local", "docker: the image of the workers; the engine must have it."),
    dockerSocket: setting("BATUTA_SCALING_DOCKER_SOCKET", path, "/var/run/docker.sock", "docker: the unix socket of the engine."),
    dockerNetwork: optional("BATUTA_SCALING_DOCKER_NETWORK", dockerName, "docker: the network of the workers. Unset: the default network of the engine."),
    dockerNatsUrl: optional("BATUTA_SCALING_DOCKER_NATS_URL", natsUrl, "docker: the NATS server under the address at which the workers reach it. Unset: that of this process."),
    k8sNamespace: optional("BATUTA_SCALING_K8S_NAMESPACE", kubernetesLabel, "The namespace of the workers' Deployment. Unset: that of the pod which runs the orchestrator."),
    k8sDeployment: setting("BATUTA_SCALING_K8S_DEPLOYMENT", deploymentName, "batuta-worker", "The Deployment whose replicas are the workers, for BATUTA_SCALING_PROVISIONER=kubernetes. The names of its pods become worker ids."),
    kedaPort: setting("BATUTA_SCALING_KEDA_PORT", integer({ min: 0, max: 65_535 }), "0", "The port of KEDA's external-push scaler (gRPC, on BATUTA_HTTP_HOST), for BATUTA_SCALING_PROVISIONER=keda; it needs the package @grpc/grpc-js. 0: none; KEDA reads GET /scaling."),
  },
  decisions: {
    assignSample: setting("BATUTA_DECISIONS_ASSIGN_SAMPLE", decimal({ min: 0, max: 1 }), "0", "The share of assignments whose reasons are taken down on supervisor.decision.assign. Those of a message with the header Batuta-Explain: 1 always are."),
  },
  process: {
    shutdownTimeoutMs: setting("BATUTA_SHUTDOWN_TIMEOUT", duration({ min: 0, max: 24 * HOUR }), "90s", "From SIGTERM to exit at the latest."),
  },
  log: {
    level: setting("BATUTA_LOG_LEVEL", oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"), "info", "The least urgent log lines that are written."),
    format: setting("BATUTA_LOG_FORMAT", oneOf("auto", "json", "pretty"), "auto", "json: one object per line. pretty: for people. auto: pretty on a terminal, json elsewhere."),
  },
} as const;

type ValueOf<V> = V extends Variable<infer T> ? T : never;
type Table = typeof VARIABLES;

/** The checked settings, grouped by topic. Deeply frozen. */
export type Config = {
  readonly [Topic in keyof Table]: {
    readonly [Field in keyof Table[Topic]]: ValueOf<Table[Topic][Field]>;
  };
};

type FieldsOf<T> = T extends unknown ? T[keyof T] : never;

/** The name of a setting, as a command passes it for its flag. */
export type VariableName = FieldsOf<Table[keyof Table]>["name"];

/** A row of the table and where its value goes: `config[topic][field]`. */
export interface Row {
  readonly topic: string;
  readonly field: string;
  readonly variable: Variable<unknown>;
}

/** All rows in the order of the table. */
export function allRows(): readonly Row[] {
  return Object.entries(VARIABLES).flatMap(([topic, fields]) =>
    Object.entries(fields as Readonly<Record<string, Variable<unknown>>>).map(
      ([field, variable]) => ({ topic, field, variable }),
    ),
  );
}
