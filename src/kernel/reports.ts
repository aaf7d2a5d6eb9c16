import type { ActorEvent, ActorSnapshot } from "./actor.ts";

interface AboutActor {
  readonly address: string;
  readonly incarnation: string;
}

/** An actor failed. */
export interface ActorFault extends AboutActor {
  readonly machineId: string;
  readonly error: unknown;
  /** Type of the last event that was sent to it. */
  readonly lastEvent: string | undefined;
  /** Undefined once it failed too often: it stays `faulted` until somebody replaces it. */
  readonly restartInMs: number | undefined;
}

/** An actor reached its final state and left the registry. */
export interface ActorEnd extends AboutActor {
  readonly output: unknown;
}

export type DeadLetterReason = "unknown-address" | "not-running" | "mailbox-full";

/** An event that nobody got. */
export interface DeadLetter {
  readonly address: string;
  readonly event: ActorEvent;
  readonly reason: DeadLetterReason;
}

/** What the host wants to be told. What a listener throws is counted and goes no further. */
export interface KernelListeners {
  readonly onFault?: (fault: ActorFault) => void;
  readonly onEnd?: (end: ActorEnd) => void;
  readonly onDeadLetter?: (letter: DeadLetter) => void;
  /** A subscriber, an inspector or one of these listeners threw. */
  readonly onListenerError?: (error: unknown) => void;
}

/** Since the kernel was made. */
export interface KernelCounters {
  readonly started: number;
  readonly ended: number;
  readonly restarts: number;
  readonly faults: number;
  readonly deadLetters: number;
  readonly listenerErrors: number;
}

export type InspectionKind = "actor" | "transition" | "end";

/**
 * What is seen of an actor while somebody watches.
 * - actor: it is there (one for each living actor when the watching begins, or at its start).
 * - transition: it handled an event. end: it is done, stopped or failed.
 */
export interface InspectionRecord extends AboutActor {
  readonly kind: InspectionKind;
  readonly machineId: string;
  /** By the clock of the kernel. */
  readonly at: number;
  readonly event: ActorEvent | undefined;
  /** Address of the actor that sent the event while it handled one itself; undefined: from outside. */
  readonly source: string | undefined;
  /** State before the event, on one line; undefined for the first record of an actor. */
  readonly from: string | undefined;
  /** Address of the actor that it belongs to. */
  readonly parent: string | undefined;
  /** Names of the actions that ran. */
  readonly actions: readonly string[];
  readonly timers: readonly PendingTimer[];
  readonly snapshot: ActorSnapshot;
}

/** A delayed transition that waits for its time; `dueAt` is epoch ms. */
export interface PendingTimer {
  readonly name: string;
  readonly delayMs: number;
  readonly dueAt: number;
}

export type Inspector = (record: InspectionRecord) => void;
