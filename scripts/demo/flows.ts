import type { Lane } from "../../src/domain/lane.ts";

/** One flow of the demo: how it is published, and what has to come of it. */
export interface DemoFlow {
  /** Of a message that names none: known once it is published, since it is then named after its place. */
  executionId: string;
  readonly lane: Lane;
  /** The message body; a string is sent as it is. */
  readonly body: unknown;
  readonly expect: {
    readonly status: "completed" | "failed";
    readonly reason?: string;
    readonly attempts?: number;
    readonly output?: unknown;
  };
}

const flow = (name: string, nodes: object[], connections: object[] = []) => ({
  name,
  version: 1,
  nodes,
  connections,
});

const greeting = flow("greeting", [
  { id: "greet", type: "set", config: { value: "hola {{ inputs.name }}" } },
]);

/** Branches on a condition, and comes together again. */
const discount = flow(
  "discount",
  [
    { id: "order", type: "set", config: { value: { total: "{{ inputs.total }}" } } },
    { id: "large", type: "if", config: { condition: "input.total >= 100" } },
    { id: "cut", type: "set", config: { value: { pays: "{{ nodes.order.total - 10 }}" } } },
    { id: "full", type: "set", config: { value: { pays: "{{ nodes.order.total }}" } } },
    { id: "bill", type: "merge", config: { mode: "first" } },
  ],
  [
    { from: "order", to: "large" },
    { from: "large.true", to: "cut" },
    { from: "large.false", to: "full" },
    { from: "cut", to: "bill" },
    { from: "full", to: "bill" },
  ],
);

/** Filters a list and maps what is left. */
const adults = flow(
  "adults",
  [
    { id: "filter", type: "data-filter", config: { condition: "item.age >= 18" } },
    { id: "names", type: "data-map", config: { value: "{{ item.name }}" } },
  ],
  [{ from: "filter", to: "names" }],
);

/** Two branches side by side, each of which takes its time. */
const parallel = (delayMs: number) =>
  flow(
    "parallel",
    [
      { id: "start", type: "noop" },
      { id: "left", type: "delay", config: { delayMs } },
      { id: "right", type: "delay", config: { delayMs } },
      { id: "both", type: "merge", config: { mode: "object" } },
    ],
    [
      { from: "start", to: "left" },
      { from: "start", to: "right" },
      { from: "left", to: "both" },
      { from: "right", to: "both" },
    ],
  );

const fetching = flow("fetch", [
  { id: "get", type: "http-request", config: { method: "GET", url: "{{ inputs.url }}" } },
]);

const failing = (retryable: boolean) =>
  flow("failing", [
    { id: "ok", type: "noop" },
    { id: "broken", type: "fail", config: { code: "NO_STOCK", message: "sold out", retryable } },
  ]);

const cyclic = flow(
  "cyclic",
  [
    { id: "hen", type: "noop" },
    { id: "egg", type: "noop" },
  ],
  [
    { from: "hen", to: "egg" },
    { from: "egg", to: "hen" },
  ],
);

const PEOPLE = [
  { name: "Ada", age: 36 },
  { name: "Tim", age: 12 },
  { name: "Grace", age: 45 },
];

export const NOT_JSON = "(not JSON)";

/** The thirty flows of the demo; `url` is that of a small web server of its own. */
export function demoFlows(url: string): DemoFlow[] {
  const lanes: readonly Lane[] = ["high", "normal", "low"];
  const everyLane = lanes.flatMap((lane) => [
    make(lane, "greeting", greeting, { name: lane }, { output: `hola ${lane}` }),
    make(lane, "discount-120", discount, { total: 120 }, { output: { pays: 110 } }),
    make(lane, "discount-80", discount, { total: 80 }, { output: { pays: 80 } }),
    make(lane, "adults", adults, PEOPLE, { output: ["Ada", "Grace"] }),
    make(lane, "parallel", parallel(400), {}),
    make(lane, "parallel-2", parallel(900), {}),
    make(lane, "long", parallel(2_500), {}),
    make(lane, "fetch", fetching, { url }),
  ]);
  return [
    ...everyLane,
    make(
      "high",
      "retried",
      failing(true),
      {},
      { status: "failed", reason: "max_attempts", attempts: 3 },
      { maxAttempts: 3 },
    ),
    make(
      "normal",
      "sold-out",
      failing(false),
      {},
      { status: "failed", reason: "not_retryable", attempts: 1 },
    ),
    make("normal", "cyclic", cyclic, {}, { status: "failed", reason: "invalid" }),
    make(
      "normal",
      "late",
      greeting,
      {},
      { status: "failed", reason: "expired" },
      { deadline: "2020-01-01T00:00:00Z" },
    ),
    {
      executionId: NOT_JSON,
      lane: "low",
      body: '{"flowId": "torn", "flowData"',
      expect: { status: "failed", reason: "invalid" },
    },
    make("low", "half-a-flow", { name: "half" }, {}, { status: "failed", reason: "invalid" }),
  ];
}

function make(
  lane: Lane,
  name: string,
  flowData: object,
  inputs: unknown,
  expect: Partial<DemoFlow["expect"]> = {},
  extra: object = {},
): DemoFlow {
  const executionId = `${name}-${lane}`;
  return {
    executionId,
    lane,
    body: { flowId: name, executionId, flowData, inputs, ...extra },
    expect: { status: "completed", ...expect },
  };
}
