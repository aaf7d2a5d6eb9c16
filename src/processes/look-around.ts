import type { Bus } from "../bus/connect.ts";
import type { ExecutionPlace } from "../bus/executions.ts";
import { findQueued } from "../bus/find-queued.ts";
import { requestStatus } from "../bus/request-control.ts";
import type { StatusAnswer } from "../messages/control.ts";

/** Where an execution may be that is not in the books here and has not ended. */
export interface Surroundings {
  /** What the orchestrator says that holds it, which may be this one by now. */
  readonly holder: StatusAnswer | undefined;
  /**
   * Its message in the lanes, searched meanwhile; need not be waited for.
   *
   * @throws WaitTimeoutError when the lanes are too deep to find it.
   */
  readonly queued: () => Promise<ExecutionPlace | undefined>;
}

/** Asks the orchestrators while the lanes are searched. `hint` is where it was seen last. */
export async function lookAround(
  bus: Bus,
  executionId: string,
  hint: ExecutionPlace | undefined,
): Promise<Surroundings> {
  const looking = findQueued(bus, executionId, hint);
  // While somebody holds it, what came of looking is nobody's business.
  looking.catch(() => undefined);
  return { holder: await requestStatus(bus, executionId), queued: () => looking };
}
