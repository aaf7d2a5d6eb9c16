export const FAULT_KINDS = [
  "kill-worker",
  "freeze-worker",
  "kill-orchestrator",
  "freeze-orchestrator",
  "kill-server",
  "freeze-server",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** Milliseconds after the start. */
  readonly atMs: number;
  /** Which of the processes of that kind; taken modulo their number. */
  readonly target: number;
  /** How long it stays frozen, or until it is started again. */
  readonly forMs: number;
}

/** What an execution of the run is to do. */
export type FlowKind =
  | { readonly type: "noop" }
  | { readonly type: "slow"; readonly delayMs: number }
  /** Fails each time; with `retryable` it is tried twice. */
  | { readonly type: "failing"; readonly retryable: boolean };

export interface ChaosPlan {
  readonly faults: readonly Fault[];
  readonly flows: readonly FlowKind[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly executions: number;
  readonly faults: number;
  readonly durationMs: number;
}

/** The faults of a run by its progress, so that the first half tells about workers alone. */
const STAGES: readonly { readonly until: number; readonly kinds: readonly FaultKind[] }[] = [
  { until: 0.5, kinds: ["kill-worker", "kill-worker", "freeze-worker"] },
  { until: 0.75, kinds: ["kill-worker", "kill-orchestrator", "freeze-orchestrator"] },
  { until: 1, kinds: ["kill-worker", "kill-orchestrator", "kill-server", "freeze-server"] },
];

/** Milliseconds: past the verdict on a silent worker (12 s), or long enough to be noticed. */
const LENGTHS: Record<FaultKind, readonly [least: number, most: number]> = {
  "kill-worker": [200, 2_000],
  "freeze-worker": [500, 18_000],
  "kill-orchestrator": [200, 2_000],
  "freeze-orchestrator": [500, 6_000],
  "kill-server": [0, 0],
  "freeze-server": [500, 5_000],
};

/** Everything that a run does, from its seed alone: the same seed makes the same run. */
export function planChaos({ seed, executions, faults, durationMs }: PlanOptions): ChaosPlan {
  const random = randomFrom(seed);
  const step = durationMs / (faults + 1);
  return {
    faults: Array.from({ length: faults }, (_, index) => {
      const atMs = Math.round((index + 0.5 + random()) * step);
      const stage = STAGES.find(({ until }) => atMs <= until * durationMs) ?? STAGES.at(-1);
      const kinds = stage?.kinds ?? FAULT_KINDS;
      const kind = kinds[Math.floor(random() * kinds.length)] ?? "kill-worker";
      const [least, most] = LENGTHS[kind];
      const forMs = Math.round(least + random() * (most - least));
      return { kind, atMs, target: Math.floor(random() * 1_000), forMs };
    }),
    flows: Array.from({ length: executions }, () => flowOf(random(), random())),
  };
}

function flowOf(sort: number, size: number): FlowKind {
  if (sort < 0.5) return { type: "noop" };
  if (sort < 0.95) return { type: "slow", delayMs: Math.round(50 + size * 1_000) };
  return { type: "failing", retryable: size < 0.5 };
}

/** Mulberry32 (Tommy Ettinger, 2017): numbers in [0, 1), the same for the same seed everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
