import type { ExecutionResult } from "../../src/messages/result.ts";
import type { FlowKind } from "./plan.ts";

export interface Verdict {
  readonly accepted: number;
  /** Accepted, and no terminal record. */
  readonly lost: readonly string[];
  /** Records that were replaced by another one, as the stream counts them. */
  readonly doubles: number;
  /** Ended otherwise than its flow says. */
  readonly wrong: readonly string[];
  /** Records of executions that nobody published. */
  readonly strangers: readonly string[];
  readonly completed: number;
  readonly failed: number;
  /** Given up since two workers died with it: by rule, not by mistake. */
  readonly poison: number;
}

/** What was accepted, against what the result stream holds. */
export function verdictOf(
  accepted: ReadonlyMap<string, FlowKind>,
  records: readonly ExecutionResult[],
  stored: number,
): Verdict {
  const byId = new Map(records.map((record) => [record.executionId, record]));
  const isRight = (record: ExecutionResult) => {
    const flow = accepted.get(record.executionId);
    const expected = flow?.type === "failing" ? "failed" : "completed";
    return record.status === expected || isPoison(record);
  };
  return {
    accepted: accepted.size,
    lost: [...accepted.keys()].filter((id) => !byId.has(id)),
    doubles: stored - byId.size,
    wrong: records.filter((record) => !isRight(record)).map(({ executionId }) => executionId),
    strangers: [...byId.keys()].filter((id) => !accepted.has(id)),
    completed: records.filter(({ status }) => status === "completed").length,
    failed: records.filter(({ status }) => status === "failed").length,
    poison: records.filter(isPoison).length,
  };
}

export function isSound({ lost, doubles, wrong, strangers, accepted }: Verdict): boolean {
  return accepted > 0 && lost.length + doubles + wrong.length + strangers.length === 0;
}

function isPoison({ status, reason }: ExecutionResult): boolean {
  return status === "failed" && reason === "poison";
}
