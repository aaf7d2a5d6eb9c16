import type { Msg, Subscription } from "nats";
import { jsonOf } from "../bus/foreign.ts";
import { WaitTimeoutError } from "../domain/errors.ts";
import { isId } from "../domain/ids.ts";
import type { CancelAnswer, StatusAnswer } from "../messages/control.ts";
import { type CancelDeps, cancel } from "./cancel.ts";

interface ControlRequest {
  readonly action?: unknown;
  readonly reason?: unknown;
}

type Fault = (error: unknown, executionId: string) => void;

const MAX_REASON_CHARS = 2_000;

/**
 * Answers `flows.control.<executionId>`: a cancel, and a status, which is told by the one that holds
 * the task, and by nobody else. Hears of cancels by other orchestrators, too.
 */
export function answerControl(deps: CancelDeps, fault: Fault): readonly Subscription[] {
  const { nc, names } = deps.bus;
  const answering = nc.subscribe(names.control("*"), {
    callback: (error, msg) => {
      if (error === null) void respond(msg, names.executionOf(msg.subject), deps, fault);
    },
  });
  const hearing = nc.subscribe(names.event("*", "cancelled"), {
    callback: (error, msg) => {
      if (error === null) deps.cancels.heard(names.executionOf(msg.subject));
    },
  });
  return [answering, hearing];
}

async function respond(msg: Msg, executionId: string, deps: CancelDeps, fault: Fault) {
  const reply = await answer(msg, executionId, deps).catch((error: unknown) => {
    if (!(error instanceof WaitTimeoutError)) fault(error, executionId);
    return failed(executionId, error);
  });
  if (reply !== undefined) msg.respond(JSON.stringify(reply));
}

async function answer(
  msg: Msg,
  executionId: string,
  deps: CancelDeps,
): Promise<CancelAnswer | StatusAnswer | undefined> {
  const request = jsonOf<ControlRequest>(msg);
  if (request?.action === "status") return status(executionId, deps);
  if (!isId(executionId) || request?.action !== "cancel") {
    const reason = `only {"action": "cancel"} is understood here, on flows.control.<executionId>`;
    return { cancelled: false, reason };
  }
  const { reason } = request;
  const given = typeof reason === "string" ? reason : "no reason was given";
  return cancel(executionId, given.slice(0, MAX_REASON_CHARS), deps);
}

function status(executionId: string, { assignments }: CancelDeps): StatusAnswer | undefined {
  const held = assignments.find(executionId);
  if (held === undefined) return undefined;
  const { workerId, task } = held;
  const { flowId, message } = task;
  return { executionId, status: "running", workerId, flowId, lane: message.lane };
}

function failed(executionId: string, error: unknown): CancelAnswer {
  const { message } = error as Error;
  if (!(error instanceof WaitTimeoutError))
    return { executionId, cancelled: false, reason: message };
  return { executionId, cancelled: false, reason: "too_many_queued", message };
}
