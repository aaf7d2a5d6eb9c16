import { NotFoundError } from "../domain/errors.ts";
import { DECISION_KINDS, type DecisionKind } from "../messages/subjects.ts";
import type { Call, Reply, Route } from "./call.ts";
import type { DecisionFilter, OrchestratorPort } from "./port.ts";
import { badQuery, executionIdOf } from "./queries.ts";

type DecisionPort = Pick<OrchestratorPort, "decisions" | "explain">;

const DEFAULT_LAST = 50;
const MOST = 1_000;

/** The routes that tell why. */
export function decisionRoutes(port: DecisionPort): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/decisions",
      handle: async (call) => ({
        status: 200,
        body: { decisions: await port.decisions(filterOf(call)) },
      }),
    },
    { method: "GET", path: "/executions/:id/explain", handle: (call) => explain(call, port) },
  ];
}

async function explain(call: Call, port: DecisionPort): Promise<Reply> {
  const id = executionIdOf(call);
  const explanation = await port.explain(id);
  if (explanation === undefined) throw new NotFoundError(`there is no execution ${id}`);
  return { status: 200, body: explanation };
}

function filterOf(call: Call): DecisionFilter {
  const [kind, executionId, workerId] = ["kind", "executionId", "workerId"].map((name) =>
    call.query(name),
  );
  if (kind !== undefined && !isKind(kind))
    throw badQuery("kind", `one of ${DECISION_KINDS.join(", ")}`, kind);
  const last = call.query("last") ?? String(DEFAULT_LAST);
  if (!/^[1-9]\d{0,5}$/.test(last)) throw badQuery("last", "a whole number from 1", last);
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(executionId === undefined ? {} : { executionId }),
    ...(workerId === undefined ? {} : { workerId }),
    last: Math.min(MOST, Number(last)),
  };
}

function isKind(text: string): text is DecisionKind {
  return DECISION_KINDS.some((kind) => kind === text);
}
