import { InvalidInputError, NotFoundError } from "../domain/errors.ts";
import { isWorkerId, WORKER_ID_PATTERN } from "../domain/ids.ts";
import { drainRequest } from "../messages/worker.ts";
import type { Call, Reply } from "./call.ts";
import type { DrainRequest, OrchestratorPort } from "./port.ts";

/** `POST /workers/{id}/drain`: 202 at once; how far it is, `GET /workers/{id}` tells. */
export async function drain(call: Call, port: OrchestratorPort): Promise<Reply> {
  const workerId = call.param("id");
  if (!isWorkerId(workerId)) {
    const detail = `the id of a worker must match ${WORKER_ID_PATTERN}`;
    throw new InvalidInputError(detail, { problems: [{ code: "E_ID", pointer: "", detail }] });
  }
  const order = await readOrder(call);
  if (!(await port.drain(workerId, order))) {
    throw new NotFoundError(`there is no live worker ${workerId}: GET /workers lists them`);
  }
  return { status: 202, body: { workerId, status: "draining" } };
}

async function readOrder(call: Call): Promise<DrainRequest> {
  const body = await call.body();
  return body.length === 0 ? {} : drainRequest.decode(body);
}
