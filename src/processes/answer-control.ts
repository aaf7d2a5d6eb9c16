import type { Msg, Subscription } from "nats";
import { jsonOf } from "../bus/foreign.ts";
import { WaitTimeoutError } from "../domain/errors.ts";
import { isId } from "../domain/ids.ts";
import { isLane, type Lane } from "../domain/lane.ts";
import type {
  CancelAnswer,
  PauseAnswer,
  PlacementAnswer,
  StatusAnswer,
} from "../messages/control.ts";
import { type CancelDeps, cancel } from "./cancel.ts";
import { type PauseDeps, pause, resume } from "./pause.ts";
import type { Pauses } from "./pauses.ts";

interface ControlRequest {
  readonly action?: unknown;
  readonly reason?: unknown;
  readonly lane?: unknown;
  readonly sequence?: unknown;
}

export interface ControlDeps extends CancelDeps, PauseDeps {
  readonly pauses: Pauses;
  /** Where the message there would go now; undefined when it is gone. */
  readonly placement: (place: Place) => Promise<PlacementAnswer | undefined>;
}

interface Place {
  readonly lane: Lane;
  readonly sequence: number;
}

type Answer = CancelAnswer | PauseAnswer | StatusAnswer | PlacementAnswer;
type Fault = (error: unknown, executionId: string) => void;

const MAX_REASON_CHARS = 2_000;

/**
 * Answers `flows.control.<executionId>`: a cancel, a pause and a resume (by the one that sees to it),
 * a status, which is told by the one that holds the task, and by nobody else, and the question where a
 * message would be placed now. Hears of cancels by other orchestrators, too.
 */
export function answerControl(deps: ControlDeps, fault: Fault): readonly Subscription[] {
  const { nc, names } = deps.bus;
  const answering = nc.subscribe(names.control("*"), {
    callback: (error, msg) => {
      if (error === null) void respond(msg, names.executionOf(msg.subject), deps, fault);
    },
  });
  const hearing = nc.subscribe(names.event("*", "cancelled"), {
    callback: (error, msg) => {
      if (error !== null) return;
      const executionId = names.executionOf(msg.subject);
      deps.cancels.heard(executionId);
      deps.pauses.ended(executionId);
    },
  });
  return [answering, hearing];
}

async function respond(msg: Msg, executionId: string, deps: ControlDeps, fault: Fault) {
  const reply = await answer(msg, executionId, deps).catch((error: unknown) => {
    if (!(error instanceof WaitTimeoutError)) fault(error, executionId);
    return failed(msg, executionId, error);
  });
  if (reply !== undefined) msg.respond(JSON.stringify(reply));
}

async function answer(
  msg: Msg,
  executionId: string,
  deps: ControlDeps,
): Promise<Answer | undefined> {
  const request = jsonOf<ControlRequest>(msg) ?? {};
  if (request.action === "status") return status(executionId, deps);
  if (!isId(executionId)) return misunderstood();
  const given = typeof request.reason === "string" ? request.reason : "no reason was given";
  const reason = given.slice(0, MAX_REASON_CHARS);
  switch (request.action) {
    case "cancel":
      return cancel(executionId, reason, deps);
    case "pause":
      return pause({ executionId, reason, requestId: requestIdOf(msg, "pause") }, deps);
    case "resume":
      return resume({ executionId, reason, requestId: requestIdOf(msg, "resume") }, deps);
    case "placement": {
      const place = placeIn(request);
      return place === undefined ? misunderstood() : deps.placement(place);
    }
    default:
      return misunderstood();
  }
}

function placeIn({ lane, sequence }: ControlRequest): Place | undefined {
  const isPlace = isLane(lane) && Number.isSafeInteger(sequence) && Number(sequence) > 0;
  return isPlace ? { lane, sequence: Number(sequence) } : undefined;
}

/** Where an answer goes is the same for all who hear a request, and no other request has it. */
function requestIdOf({ reply }: Msg, action: string): string | undefined {
  return reply ? `${action}.${reply}` : undefined;
}

function misunderstood(): CancelAnswer {
  const reason = `only {"action": "cancel"}, "pause" and "resume" are understood here, on flows.control.<executionId>`;
  return { cancelled: false, reason };
}

function status(executionId: string, deps: ControlDeps): StatusAnswer | undefined {
  const { assignments, pauses } = deps;
  const held = assignments.find(executionId);
  if (held === undefined) return undefined;
  const { workerId, task } = held;
  const { flowId, message } = task;
  const state = pauses.has(executionId) ? "paused" : "running";
  return { executionId, status: state, workerId, flowId, lane: message.lane };
}

function failed(msg: Msg, executionId: string, error: unknown): CancelAnswer | PauseAnswer {
  const isCancel = jsonOf<ControlRequest>(msg)?.action === "cancel";
  const nothing = isCancel ? { cancelled: false as const } : { paused: false as const };
  const { message } = error as Error;
  if (!(error instanceof WaitTimeoutError)) return { executionId, ...nothing, reason: message };
  return { executionId, ...nothing, reason: "too_many_queued", message };
}
