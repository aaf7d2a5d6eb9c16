/** Self-doubt: how long one doubt lasts, how long doubts in a row may, and how long trust lasts then. */
export const DOUBT = { forMs: 5_000, maxMs: 30_000, restMs: 15_000 } as const;

const STOP = { timeoutMs: 30_000 } as const;

/** The facts that the supervisor actor of one orchestrator is told. */
export type SupervisorEvent =
  /** Topology ensured, registry read: the orchestrator can serve. */
  | { readonly type: "ready" }
  | { readonly type: "startFailed"; readonly reason: string }
  /** Not believed without a bus: say it again after `busBack`. */
  | { readonly type: "leaseAcquired" }
  | { readonly type: "leaseLost" }
  | { readonly type: "busLost" }
  | { readonly type: "busBack" }
  /** An operator stops and starts dispatching. */
  | { readonly type: "pause"; readonly reason: string }
  | { readonly type: "resume" }
  /** No worker has room for more, and some has again: on a change of the tide, not for each task. */
  | { readonly type: "saturated" }
  | { readonly type: "relieved" }
  /** Own event-loop lag, or too many suspects at once. Say it again for as long as it holds. */
  | { readonly type: "doubt"; readonly reason: string }
  | { readonly type: "stop"; readonly reason: string }
  /** What was under way is settled. */
  | { readonly type: "drained" };

export interface SupervisorInput {
  /** The node that this orchestrator is. */
  readonly orchestratorId: string;
  /** Monotonic milliseconds: the `now` of the clock that the actor runs on. */
  readonly now: () => number;
  /** How long stopping may take. Default 30 s. */
  readonly stopTimeoutMs?: number;
}

/** Why the supervisor stopped: the output of the actor. */
export interface SupervisorEnding {
  readonly reason: "drained" | "timeout" | "start-failed";
  readonly text: string;
}

export interface SupervisorContext {
  readonly now: () => number;
  readonly orchestratorId: string;
  readonly stopTimeoutMs: number;
  readonly connected: boolean;
  readonly hasLease: boolean;
  /** Why an operator paused dispatching; undefined while nobody did. */
  readonly pausedFor: string | undefined;
  readonly saturated: boolean;
  readonly doubtReason: string;
  /** When the first of the doubts in a row came, and until when the last one holds. */
  readonly doubtSince: number;
  readonly doubtUntil: number;
  /** Doubts within this time are not listened to: the last ones lasted too long. */
  readonly trustUntil: number;
  readonly stopReason: string;
  readonly ending: SupervisorEnding["reason"];
}

export function initialSupervisor(input: SupervisorInput): SupervisorContext {
  const now = input.now();
  return {
    now: input.now,
    orchestratorId: input.orchestratorId,
    stopTimeoutMs: input.stopTimeoutMs ?? STOP.timeoutMs,
    connected: true,
    hasLease: false,
    pausedFor: undefined,
    saturated: false,
    doubtReason: "",
    doubtSince: now,
    doubtUntil: now,
    trustUntil: now,
    stopReason: "",
    ending: "drained",
  };
}

/** The bus is gone: no lease can be renewed, and no silence means anything. */
export function withoutBus(): Partial<SupervisorContext> {
  return { connected: false, hasLease: false };
}

/** The first doubt, or a further one. Further ones cannot make it last for ever. */
export function withReason(context: SupervisorContext, reason: string): Partial<SupervisorContext> {
  const now = context.now();
  const since = now < context.doubtUntil ? context.doubtSince : now;
  const until = Math.min(now + DOUBT.forMs, since + DOUBT.maxMs);
  return { doubtReason: reason, doubtSince: since, doubtUntil: until };
}

/** Doubts that lasted as long as they may are followed by trust, or nothing would ever be decided. */
export function afterDoubt(context: SupervisorContext): Partial<SupervisorContext> {
  const now = context.now();
  const exhausted = now - context.doubtSince >= DOUBT.maxMs;
  return { doubtReason: "", trustUntil: exhausted ? now + DOUBT.restMs : now };
}

export function supervisorEnding(context: SupervisorContext): SupervisorEnding {
  return { reason: context.ending, text: context.stopReason };
}

/** How dispatching stands: the gravest obstacle counts. */
export function dispatchOf(context: SupervisorContext): "cut" | "paused" | "saturated" | "running" {
  if (!context.connected) return "cut";
  if (context.pausedFor !== undefined) return "paused";
  return context.saturated ? "saturated" : "running";
}
