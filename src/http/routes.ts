import { InvalidInputError, NotFoundError } from "../domain/errors.ts";
import { ID_PATTERN, isId, isWorkerId, WORKER_ID_PATTERN } from "../domain/ids.ts";
import { actorRoutes } from "./actors.ts";
import type { Reply, Route } from "./call.ts";
import { deadLetterRoutes } from "./dead-letters.ts";
import { decisionRoutes } from "./decisions.ts";
import { drain } from "./drain.ts";
import { type ExecuteDeps, execute } from "./execute.ts";
import { executionRoutes } from "./executions.ts";
import type { OrchestratorPort } from "./port.ts";
import { scalingRoutes } from "./scaling.ts";

/** Every route of the HTTP API, each with a framework-free handler. */
export function routesOf(
  port: OrchestratorPort,
  deps: Omit<ExecuteDeps, "port">,
): readonly Route[] {
  return [
    {
      method: "POST",
      path: "/orchestrator/execute",
      handle: (call) => execute(call, { port, ...deps }),
    },
    { method: "GET", path: "/orchestrator/health", handle: () => health(port) },
    { method: "GET", path: "/livez", open: true, handle: () => ok({ status: "alive" }) },
    { method: "GET", path: "/readyz", open: true, handle: () => ready(port) },
    { method: "GET", path: "/workers", handle: async () => ok({ workers: await port.workers() }) },
    { method: "GET", path: "/workers/:id", handle: (call) => worker(port, call.param("id")) },
    {
      method: "POST",
      path: "/workers/:id/drain",
      handle: (call) => drain(call, port),
    },
    { method: "GET", path: "/queues", handle: async () => ok({ queues: await port.queues() }) },
    { method: "GET", path: "/executions/:id", handle: (call) => execution(port, call.param("id")) },
    ...actorRoutes(port),
    ...scalingRoutes(port),
    ...decisionRoutes(port),
    ...deadLetterRoutes(port),
    ...executionRoutes(port),
  ];
}

function ok(body: unknown): Reply {
  return { status: 200, body };
}

/** 503 when critical, so that a plain status check sees it; the body is the same. */
async function health(port: OrchestratorPort): Promise<Reply> {
  const report = await port.health();
  return { status: report.status === "critical" ? 503 : 200, body: report };
}

async function ready(port: OrchestratorPort): Promise<Reply> {
  const readiness = await port.ready();
  return { status: readiness.ready ? 200 : 503, body: readiness };
}

async function worker(port: OrchestratorPort, id: string): Promise<Reply> {
  if (!isWorkerId(id)) throw badId("worker", WORKER_ID_PATTERN);
  return found(await port.worker(id), `there is no worker ${id}`);
}

async function execution(port: OrchestratorPort, id: string): Promise<Reply> {
  if (!isId(id)) throw badId("execution", ID_PATTERN);
  return found(await port.execution(id), `there is no execution ${id}`);
}

function found(view: unknown, otherwise: string): Reply {
  if (view === undefined) throw new NotFoundError(otherwise);
  return ok(view);
}

function badId(what: string, pattern: string): InvalidInputError {
  const detail = `the id of ${what === "execution" ? "an" : "a"} ${what} must match ${pattern}`;
  return new InvalidInputError(detail, { problems: [{ code: "E_ID", pointer: "", detail }] });
}
