import { InvalidInputError, NotFoundError } from "../domain/errors.ts";
import { ID_PATTERN, isId } from "../domain/ids.ts";
import { parseJson } from "../messages/codec.ts";
import {
  type ExecutionQuery,
  LISTED_STATUSES,
  type ListedStatus,
} from "../messages/execution-view.ts";
import type { Call, Reply, Route } from "./call.ts";
import type { OrchestratorPort } from "./port.ts";
import { badQuery, executionIdOf } from "./queries.ts";

const DEFAULT_LIMIT = 50;
const MOST = 500;

type ExecutionPort = Pick<
  OrchestratorPort,
  "executions" | "cancel" | "pause" | "resume" | "replayDeadLetters"
>;

/** The routes that list executions, stop them and let them go on. */
export function executionRoutes(port: ExecutionPort): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/executions",
      handle: async (call) => ({ status: 200, body: await port.executions(queryOf(call)) }),
    },
    orderRoute("cancel", "cancelled over HTTP", port),
    orderRoute("pause", "paused over HTTP", port),
    orderRoute("resume", "resumed over HTTP", port),
    {
      method: "POST",
      path: "/executions/:id/retry",
      handle: (call) => retry(executionIdOf(call), port),
    },
  ];
}

function queryOf(call: Call): ExecutionQuery {
  const [status, flowId, cursor] = ["status", "flowId", "cursor"].map((name) => call.query(name));
  if (status !== undefined && !isListed(status)) {
    throw badQuery("status", `one of ${LISTED_STATUSES.join(", ")}`, status);
  }
  if (flowId !== undefined && !isId(flowId)) throw badQuery("flowId", ID_PATTERN, flowId);
  return {
    ...(status === undefined ? {} : { status }),
    ...(flowId === undefined ? {} : { flowId }),
    ...(cursor === undefined ? {} : { cursor: whole("cursor", cursor) }),
    limit: Math.min(MOST, whole("limit", call.query("limit") ?? String(DEFAULT_LIMIT))),
  };
}

function isListed(status: string): status is ListedStatus {
  return LISTED_STATUSES.some((each) => each === status);
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (/^[1-9]\d{0,14}$/.test(text)) return value;
  throw badQuery(name, "a whole number from 1", text);
}

/** Only what was given up has anything to be retried: its dead letter. */
async function retry(
  executionId: string,
  port: Pick<OrchestratorPort, "replayDeadLetters">,
): Promise<Reply> {
  const [action] = await port.replayDeadLetters({ executionIds: [executionId] }, false);
  if (action?.outcome === "replayed") {
    const location = { location: `/executions/${executionId}` };
    return { status: 202, headers: location, body: { executionId, status: "accepted" } };
  }
  const why = action?.note ?? "it has no dead letter";
  throw new NotFoundError(`execution ${executionId} cannot be retried: ${why}`);
}

/** A route that does something about one execution, for a reason that may be left out. */
function orderRoute(
  order: "cancel" | "pause" | "resume",
  otherwise: string,
  port: Pick<OrchestratorPort, typeof order>,
): Route {
  const handle = async (call: Call): Promise<Reply> => {
    const id = executionIdOf(call);
    const reason = reasonIn(await call.body(), order) ?? otherwise;
    return { status: 200, body: await port[order](id, reason) };
  };
  return { method: "POST", path: `/executions/:id/${order}`, handle };
}

/** The body may be left out. */
function reasonIn(body: Uint8Array, order: string): string | undefined {
  if (body.length === 0) return undefined;
  const value = parseJson(body, order);
  const { reason } = (typeof value === "object" && value !== null ? value : {}) as {
    readonly reason?: unknown;
  };
  if (reason === undefined || typeof reason === "string") return reason;
  const detail = "must be string";
  const problems = [{ code: "E_SCHEMA", pointer: "/reason", detail }];
  throw new InvalidInputError(`${order}: /reason ${detail}`, { problems });
}
