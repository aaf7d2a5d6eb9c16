import { randomFrom } from "../../src/domain/random.ts";

export const FAULT_KINDS = [
  "kill-worker",
  "freeze-worker",
  "cut-worker",
  "kill-orchestrator",
  "freeze-orchestrator",
  "cut-orchestrator",
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
  /** How long it stays frozen or cut off, or until it is started again. */
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
  /** When a silent worker is given up, and when the server delivers again by itself; as by default. */
  readonly verdictMs?: number;
  readonly ackWaitMs?: number;
  /** Only these kinds, all through the run; by default all of them, in stages. */
  readonly only?: readonly FaultKind[];
}

/** The faults of a run by its progress, so that the first half tells about workers alone. */
const STAGES: readonly { readonly until: number; readonly kinds: readonly FaultKind[] }[] = [
  { until: 0.5, kinds: ["kill-worker", "kill-worker", "freeze-worker", "cut-worker"] },
  {
    until: 0.75,
    kinds: ["kill-worker", "kill-orchestrator", "freeze-orchestrator", "cut-orchestrator"],
  },
  {
    until: 1,
    kinds: ["kill-worker", "kill-orchestrator", "cut-orchestrator", "kill-server", "freeze-server"],
  },
];

type Range = readonly [least: number, most: number];

/** A cut may be past ack_wait only where it takes no more than this share of the run. */
const LONGEST_SHARE = 0.25;

/** Milliseconds, as ranges of which one is drawn; the first is the shortest. */
function lengthsOf(kind: FaultKind, options: PlanOptions): readonly Range[] {
  const { verdictMs = 12_000, ackWaitMs = 30_000, durationMs } = options;
  const longest: Range = [1.1 * ackWaitMs, 1.3 * ackWaitMs];
  const beforeVerdict: Range = [500, 0.7 * verdictMs];
  const pastVerdict: Range = [1.2 * verdictMs, 1.6 * verdictMs];
  switch (kind) {
    case "kill-worker":
    case "kill-orchestrator":
      return [[200, 2_000]];
    case "freeze-worker":
      return [beforeVerdict, pastVerdict];
    case "cut-worker":
      return longest[1] <= LONGEST_SHARE * durationMs
        ? [beforeVerdict, pastVerdict, longest]
        : [beforeVerdict, pastVerdict];
    case "freeze-orchestrator":
    case "cut-orchestrator":
      // Either side of the 7 s after which its peers give it up.
      return [
        [500, 5_000],
        [9_000, 12_000],
      ];
    case "kill-server":
      return [[0, 0]];
    case "freeze-server":
      return [[500, 5_000]];
  }
}

/** Everything that a run does, from its seed alone: the same seed makes the same run. */
export function planChaos(options: PlanOptions): ChaosPlan {
  const { seed, executions, faults, durationMs, only } = options;
  const stages = only === undefined ? STAGES : [{ until: 1, kinds: only }];
  const random = randomFrom(seed);
  const step = durationMs / (faults + 1);
  const kinds = stages.map((stage) => ({ ...stage, next: turns(stage.kinds, random) }));
  let silentUntilMs = 0;
  return {
    faults: Array.from({ length: faults }, (_, index) => {
      const atMs = Math.round((index + 0.5 + random()) * step);
      const kind =
        kinds.find(({ until }) => atMs <= until * durationMs)?.next() ?? kinds[0]?.kinds[0];
      if (kind === undefined) throw new Error("there is no kind of fault to draw from");
      const all = lengthsOf(kind, options);
      // Long silences one at a time: when many are silent at once, nobody is given up for it.
      const lengths = atMs < silentUntilMs ? all.slice(0, 1) : all;
      const [least, most] = drawn(lengths, random()) ?? [0, 0];
      const forMs = Math.round(least + random() * (most - least));
      if (!kind.startsWith("kill")) silentUntilMs = Math.max(silentUntilMs, atMs + forMs);
      return { kind, atMs, target: Math.floor(random() * 1_000), forMs };
    }),
    flows: Array.from({ length: executions }, () => flowOf(random(), random())),
  };
}

/** Each kind has had its turn before one comes again: a short run is to have of each as well. */
function turns(kinds: readonly FaultKind[], random: () => number): () => FaultKind | undefined {
  let left: FaultKind[] = [];
  return () => {
    if (left.length === 0) left = [...kinds];
    return left.splice(Math.floor(random() * left.length), 1)[0];
  };
}

function drawn<T>(from: readonly T[], random: number): T | undefined {
  return from[Math.floor(random * from.length)];
}

function flowOf(sort: number, size: number): FlowKind {
  if (sort < 0.5) return { type: "noop" };
  if (sort < 0.95) return { type: "slow", delayMs: Math.round(50 + size * 1_000) };
  return { type: "failing", retryable: size < 0.5 };
}
