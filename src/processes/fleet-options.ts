import type { Freeze } from "../../actors/supervisor-effects.ts";
import type { DrainOrder, WorkerChange, WorkerLoss } from "../../actors/worker-effects.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Refusal } from "./message-refusals.ts";

export interface FleetOptions {
  readonly kernel: Kernel;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Tasks that this orchestrator has given to a worker. */
  readonly inFlightOf: (workerId: string) => number;
  /** Tasks given to a worker before `before` (epoch ms), for the "deaf" signal. */
  readonly assignedBefore: (workerId: string, before: number) => readonly string[];
  /** A worker's beats do not list tasks that it was given long ago. */
  readonly notHeld: (workerId: string, executionIds: readonly string[]) => void;
  /** How long a worker that drains by itself may take. */
  readonly drainTimeoutMs: number;
  /** So many workers are suspect that the fault is likely to be here. Said again while it is so. */
  readonly doubt: (reason: string) => void;
  /** Set while the supervisor doubts itself: who joins now is not judged either. */
  readonly freeze: () => Freeze | undefined;
  /** Asks a worker to take tasks that the server delivers to it itself. Never rejects. */
  readonly direct: (workerId: string) => Promise<boolean>;
  readonly heartbeatIntervalMs: number;
  readonly announce: (change: WorkerChange) => void;
  readonly redistribute: (loss: WorkerLoss) => void;
  readonly sendDrain: (order: DrainOrder) => void;
  /** A worker beats that is not known here: it is asked to register again. */
  readonly stranger: (workerId: string) => void;
  /** A process beats that another one of the same id seems to have replaced. */
  readonly outdated: (workerId: string, incarnation: string) => void;
  /** Something was not believed. */
  readonly refused: (refusal: Refusal) => void;
  /** So many workers died that restarting them one by one mends nothing. */
  readonly escalated: (reason: string) => void;
  readonly fault: (error: unknown, what: string) => void;
}
