import { WORKER_LEFT, WORKER_LOST } from "../../src/bus/assignments.ts";
import type { FlowEvent } from "../../src/messages/flow-event.ts";
import type { DoneMessage, WorkerStateEvent } from "../../src/messages/worker.ts";
import type { FaultKind } from "./plan.ts";

interface Victim {
  readonly kind: FaultKind;
  readonly workerId: string;
  readonly at: number;
}

export interface Moves {
  /** Milliseconds from the fault to `offline`. */
  readonly detectionMs: readonly number[];
  /** Milliseconds from the fault until a task that the victim held was started elsewhere. */
  readonly takenElsewhereMs: readonly number[];
}

const DISTURBED_MS = 10_000;

/** What was seen of tasks that move from workers that were hurt: from live events, so only a sample. */
export class MoveWatch {
  readonly #holder = new Map<string, string>();
  readonly #lost = new Map<string, Victim>();
  readonly #victims = new Map<string, Victim>();
  /** Workers that have registered, and have not yet been seen to beat and to take work. */
  readonly #unproven = new Set<string>();
  readonly #moves = new Map<FaultKind, { detectionMs: number[]; takenElsewhereMs: number[] }>();
  /** Executions that are under way. */
  readonly #open = new Set<string>();
  /** Those that were when an orchestrator was hurt, and of which nothing was heard since. */
  readonly #orphans = new Map<string, { readonly kind: FaultKind; readonly at: number }>();
  readonly #waits = new Map<FaultKind, number[]>();
  #quietFrom = 0;
  #starts = 0;
  #fenced = 0;
  readonly #started = new Set<string>();

  /** Runs that were started again after another run of the same execution. */
  get repeated(): number {
    return this.#starts - this.#started.size;
  }

  /** Commits that were refused since another one stood. */
  get fenced(): number {
    return this.#fenced;
  }

  movesOf(kind: FaultKind): Moves {
    return this.#moves.get(kind) ?? { detectionMs: [], takenElsewhereMs: [] };
  }

  /**
   * Milliseconds from the fault of an orchestrator to the next sign of each execution that was under
   * way: what it waited longer is less than that.
   */
  waitsAfter(kind: FaultKind): readonly number[] {
    return this.#waits.get(kind) ?? [];
  }

  /** An orchestrator is about to be hurt. */
  orphaned(kind: FaultKind): void {
    const at = performance.now();
    this.#orphans.clear();
    if (at < this.#quietFrom) return;
    for (const executionId of this.#open) this.#orphans.set(executionId, { kind, at });
  }

  /**
   * Something else than a worker is hurt now, or has just recovered: how long a task takes to move says
   * nothing about workers then.
   */
  disturbed(): void {
    this.#quietFrom = performance.now() + DISTURBED_MS;
    this.#victims.clear();
    this.#lost.clear();
  }

  /**
   * A worker that is still to prove itself is passed over: it holds nothing, and has 10 intervals for that
   * however it fares (contract B5).
   */
  hurt(kind: FaultKind, workerId: string): void {
    if (performance.now() < this.#quietFrom || this.#unproven.has(workerId)) return;
    const victim = { kind, workerId, at: performance.now() };
    this.#victims.set(workerId, victim);
    for (const [executionId, holder] of this.#holder) {
      if (holder === workerId) this.#lost.set(executionId, victim);
    }
  }

  /** The fault is over. Who was not given up by then is no victim any more. */
  healed(workerId: string): void {
    const victim = this.#victims.get(workerId);
    if (victim === undefined || victim.kind === "kill-worker") return;
    this.#victims.delete(workerId);
    for (const [executionId, of] of this.#lost) if (of === victim) this.#lost.delete(executionId);
  }

  event(event: FlowEvent): void {
    const { executionId, kind, workerId } = event;
    this.#sign(executionId, kind);
    if (kind === "started" && typeof workerId === "string") this.#startedBy(executionId, workerId);
    const hasFailed = kind === "retrying" && !isLoss(event.error);
    if (!hasFailed && kind !== "completed" && kind !== "failed") return;
    this.#holder.delete(executionId);
    this.#lost.delete(executionId);
  }

  state({ workerId, to }: WorkerStateEvent): void {
    if (to === "registering") this.#unproven.add(workerId);
    else this.#unproven.delete(workerId);
    const victim = this.#victims.get(workerId);
    if (to !== "offline" || victim === undefined) return;
    this.#victims.delete(workerId);
    this.#of(victim.kind).detectionMs.push(performance.now() - victim.at);
  }

  done({ outcomes }: DoneMessage): void {
    this.#fenced += outcomes.filter(({ status }) => status === "fenced").length;
  }

  #sign(executionId: string, kind: string): void {
    const orphan = this.#orphans.get(executionId);
    this.#orphans.delete(executionId);
    if (orphan !== undefined) {
      const waits = this.#waits.get(orphan.kind) ?? [];
      waits.push(performance.now() - orphan.at);
      this.#waits.set(orphan.kind, waits);
    }
    if (kind === "completed" || kind === "failed") this.#open.delete(executionId);
    else this.#open.add(executionId);
  }

  #startedBy(executionId: string, workerId: string): void {
    const at = performance.now();
    this.#starts += 1;
    this.#started.add(executionId);
    const victim = this.#lost.get(executionId);
    // What it had said before it was cut off arrives when the link is whole again.
    if (victim?.workerId === workerId) return;
    this.#holder.set(executionId, workerId);
    if (victim === undefined) return;
    this.#lost.delete(executionId);
    this.#of(victim.kind).takenElsewhereMs.push(at - victim.at);
  }

  #of(kind: FaultKind) {
    const known = this.#moves.get(kind) ?? { detectionMs: [], takenElsewhereMs: [] };
    this.#moves.set(kind, known);
    return known;
  }
}

/** An attempt that was lost with its worker moves; one that failed by itself waits for its retry. */
function isLoss(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return code === WORKER_LOST || code === WORKER_LEFT;
}
