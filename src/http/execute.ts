import { InvalidInputError } from "../domain/errors.ts";
import { ID_PATTERN, isId } from "../domain/ids.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import { executeMessage } from "../messages/execute.ts";
import { type ExecutionResult, TERMINAL_STATUSES } from "../messages/result.ts";
import { readJson } from "./body.ts";
import type { Call, Reply } from "./call.ts";
import type { HttpLog, KnownExecution, OrchestratorPort, SubmitHeaders } from "./port.ts";
import { type WaitRoom, waitMsOf } from "./waiting.ts";

export interface ExecuteDeps {
  readonly port: Pick<OrchestratorPort, "submit" | "waitForResult">;
  readonly waitMaxMs: number;
  readonly waits: WaitRoom;
  readonly log: HttpLog;
}

/**
 * `POST /orchestrator/execute`: 202 once the execution is accepted; with `?wait=` 200 and the result
 * if it ends in that time; 200 and what is known when its executionId was used before.
 */
export async function execute(call: Call, deps: ExecuteDeps): Promise<Reply> {
  const waitMs = waitMsOf(call.query("wait"), deps.waitMaxMs);
  const message = withIdempotencyKey(
    executeMessage.decode(await readJson(call)),
    call.header("idempotency-key"),
  );
  const outcome = await deps.port.submit(message, message.priority ?? "normal", traceOf(call));
  const known: KnownExecution = "known" in outcome ? outcome.known : outcome;
  if (isResult(known)) return reply(200, known);
  const result = waitMs > 0 ? await waitFor(known.executionId, waitMs, call, deps) : undefined;
  if (result !== undefined) return reply(200, result);
  return reply("known" in outcome && waitMs === 0 ? 200 : 202, known);
}

function reply(status: number, body: KnownExecution): Reply {
  return { status, body, headers: { location: `/executions/${body.executionId}` } };
}

function isResult(known: KnownExecution): known is ExecutionResult {
  return TERMINAL_STATUSES.some((status) => status === known.status);
}

/** The execution is accepted by now: whatever goes wrong here must not look like a refusal. */
async function waitFor(
  executionId: string,
  waitMs: number,
  call: Call,
  { port, waits, log }: ExecuteDeps,
): Promise<ExecutionResult | undefined> {
  try {
    return await waits.hold(call.signal, (signal) =>
      port.waitForResult(executionId, waitMs, signal),
    );
  } catch (err) {
    log.debug({ err, executionId }, "waiting for a result ended early");
    return undefined;
  }
}

/** The Idempotency-Key header names the execution where the body does not. Quotes around it are dropped. */
function withIdempotencyKey(message: ExecuteMessage, header: string | undefined): ExecuteMessage {
  if (header === undefined) return message;
  const key = header.replace(/^"(.*)"$/, "$1");
  if (!isId(key)) throw badKey(`the Idempotency-Key must match ${ID_PATTERN}`);
  const { executionId = key } = message;
  if (executionId !== key)
    throw badKey(`the Idempotency-Key ${key} is not the executionId ${executionId}`);
  return { ...message, executionId };
}

function badKey(detail: string): InvalidInputError {
  const problems = [{ code: "E_IDEMPOTENCY_KEY", pointer: "/executionId", detail }];
  return new InvalidInputError(detail, { problems });
}

/** W3C trace context; a malformed one is left out, as the standard asks. */
function traceOf(call: Call): SubmitHeaders {
  const traceparent = call.header("traceparent");
  if (traceparent === undefined || !/^[\da-f]{2}(-[\da-f]+)+$/.test(traceparent)) return {};
  if (traceparent.length > 256) return {};
  const tracestate = call.header("tracestate");
  return {
    traceparent,
    ...(tracestate !== undefined && tracestate.length <= 512 ? { tracestate } : {}),
  };
}
