import type { FleetFacts } from "../src/domain/health-report.ts";
import type {
  Heartbeat,
  RegisterMessage,
  WorkerCapacity,
  WorkerStateName,
} from "../src/messages/worker.ts";

/** Names which process an event is about; an event of another one is counted and dropped. */
interface OfProcess {
  readonly incarnation?: string | undefined;
  readonly pid?: number | undefined;
}

/** The facts that a worker actor is told. Times are taken at arrival, by the actor's own clock. */
export type WorkerEvent =
  /** The same incarnation registered again: its manifest may have changed. */
  | ({ readonly type: "registered"; readonly manifest: WorkerManifest } & OfProcess)
  | { readonly type: "heartbeat"; readonly beat: Heartbeat; readonly fleet?: FleetFacts }
  /** The canary came back: the loop that takes tasks answered `cmd.ping`. */
  | ({ readonly type: "pong" } & OfProcess)
  /** `cmd.ping` had no responders. */
  | { readonly type: "unreachable" }
  | {
      readonly type: "drain";
      readonly reason: string;
      readonly deadlineMs?: number | undefined;
      /** It drains for what it did, and is kept away from work when it comes back. */
      readonly isQuarantine?: boolean;
    }
  /** The worker holds no task any more and takes none. */
  | ({ readonly type: "drained" } & OfProcess)
  /** How many executions this orchestrator has assigned to it. Send it at most once per tick. */
  | { readonly type: "inFlight"; readonly count: number }
  | ({ readonly type: "bye"; readonly reason?: string | undefined } & OfProcess)
  /** The provisioner saw its process end. */
  | ({
      readonly type: "exit";
      readonly code?: number | null;
      readonly signal?: string | null;
    } & OfProcess)
  /** A higher incarnation of the same id registered. */
  | { readonly type: "evict"; readonly incarnation: string }
  /** The supervisor doubts itself: no verdicts for `forMs` (30 s), or until `thaw`. */
  | { readonly type: "freeze"; readonly reason: string; readonly forMs?: number | undefined }
  | { readonly type: "thaw" };

export type WorkerEventType = WorkerEvent["type"];

/** What a worker said about itself when it registered, with the supervisor's defaults filled in. */
export interface WorkerManifest {
  readonly hostname: string;
  readonly pid: number;
  readonly pool: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: WorkerCapacity;
  readonly supportedNodeTypes: readonly string[];
  readonly heartbeatIntervalMs: number;
}

/** The states that can be found in the registry after a restart of the orchestrator. */
export type LiveWorkerState = Exclude<WorkerStateName, "offline">;

/** What the registry says about a worker that was there before this orchestrator was. */
export interface RecoveredWorker {
  readonly state: LiveWorkerState;
  readonly reasons?: readonly string[];
  /** Left of the drain's grace, where it was draining. */
  readonly drainDeadlineMs?: number;
}

export interface WorkerInput {
  readonly workerId: string;
  readonly incarnation: string;
  readonly manifest: WorkerManifest;
  /** Monotonic milliseconds: the `now` of the clock that the actor runs on. */
  readonly now: () => number;
  /** Set after a restart of the orchestrator; the worker gets full grace from now on. */
  readonly recovered?: RecoveredWorker | undefined;
  /** For what earlier incarnations did: it stays registering for so long, however well it looks. */
  readonly quarantine?: { readonly forMs: number; readonly reason: string } | undefined;
}

/** The manifest of a registration. `heartbeatIntervalMs` is what the orchestrator replies with. */
export function manifestOf(message: RegisterMessage, heartbeatIntervalMs: number): WorkerManifest {
  return {
    hostname: message.hostname,
    pid: message.pid,
    pool: message.pool ?? "default",
    labels: message.labels ?? {},
    capacity: message.capacity,
    supportedNodeTypes: message.supportedNodeTypes,
    heartbeatIntervalMs,
  };
}

/**
 * Why a worker is offline.
 * - bye: it said so. drained: it was drained and holds nothing. exited: its process ended.
 * - unreachable: nobody listens on its ping subject. silent: no beats and no answers.
 * - evicted: a newer incarnation took its place. unproven: it never got past registering.
 * - grace-over: it did not finish its tasks in time.
 */
export type WorkerEndingReason =
  | "bye"
  | "drained"
  | "exited"
  | "unreachable"
  | "silent"
  | "evicted"
  | "unproven"
  | "grace-over";

/** The output of the actor. */
export interface WorkerEnding {
  readonly reason: WorkerEndingReason;
  readonly text: string;
  /** False counts towards poison: what it held may have killed it (contract B6). */
  readonly clean: boolean;
  readonly inFlight: number;
}
