import type { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { ExecutionStore } from "../bus/executions.ts";
import type { LaneMessage } from "../bus/intake.ts";
import { findResult } from "../bus/results.ts";
import type { AttemptRecord, ExecutionResult } from "../messages/result.ts";
import { isSameMessage, placeOf, retryWait, silence } from "./task-facts.ts";

/** What is known of an execution whose message comes again, or may come for the second time. */
export type Recalled =
  /** It has its terminal record. */
  | { readonly type: "ended"; readonly result: ExecutionResult }
  /** It waits for its next attempt; the message is early. */
  | { readonly type: "early"; readonly waitMs: number }
  /** The attempts that it has had. */
  | {
      readonly type: "open";
      readonly attempts: readonly AttemptRecord[];
      /** The last of them has ended just now, by the silence of its worker. */
      readonly isSilent: boolean;
    };

export interface RecallDeps {
  readonly bus: Bus;
  readonly assignments: Assignments;
  readonly executions: ExecutionStore;
  /** Whether an execution was seen to end lately. */
  readonly endedRecently: (executionId: string) => boolean;
  readonly now: () => number;
}

/** The server's clock and ours need not agree to the millisecond. */
const EARLY_MS = 50;

/** Has it ended already, is it running, how many attempts has it had. */
export async function recall(
  message: LaneMessage,
  executionId: string,
  deps: RecallDeps,
): Promise<Recalled> {
  const { executions, assignments, now } = deps;
  const known = await executions.read(executionId);
  const result = await resultOf(executionId, deps);
  if (result !== undefined) return { type: "ended", result };
  const held = assignments.find(executionId);
  const isSilent = held !== undefined && isSameMessage(held.task.message, message);
  const { attempts } = isSilent
    ? await executions.addAttempt(executionId, silence(held, now()), placeOf(held.task))
    : known;
  // What nobody holds is handed back when an orchestrator is gone, and its backoff is not over.
  const waitMs = retryWait(attempts.at(-1), now());
  return waitMs > EARLY_MS ? { type: "early", waitMs } : { type: "open", attempts, isSilent };
}

/** Looks twice where it may have ended while the answer was under way. */
async function resultOf(
  executionId: string,
  { bus, endedRecently }: RecallDeps,
): Promise<ExecutionResult | undefined> {
  const result = await findResult(bus, executionId);
  if (result !== undefined || !endedRecently(executionId)) return result;
  return findResult(bus, executionId);
}
