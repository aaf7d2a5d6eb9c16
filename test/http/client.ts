import { createHttpApp, type HttpAppOptions } from "../../src/http/app.ts";
import type { OrchestratorPort } from "../../src/http/port.ts";
import type { ProblemBody } from "../../src/http/problem.ts";
import { routesOf } from "../../src/http/routes.ts";
import { FLOW, fakePort, memoryLog } from "./fake-port.ts";

export const OPTIONS: HttpAppOptions = {
  token: undefined,
  bodyLimitBytes: 1_048_576,
  waitMaxMs: 60_000,
};

export const TOKEN = "s3cret-token";

/** The app over a fake port, and short ways to ask it. */
export function testApp(
  overrides: Partial<OrchestratorPort> = {},
  options: Partial<HttpAppOptions> = {},
) {
  const { port, submitted } = fakePort(overrides);
  const { log, lines } = memoryLog();
  const app = createHttpApp((deps) => routesOf(port, deps), { ...OPTIONS, ...options }, log);
  const post = (body: unknown, headers: Record<string, string> = {}, query = "") =>
    app.request(`/orchestrator/execute${query}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
    });
  const get = (path: string, headers: Record<string, string> = {}) =>
    app.request(path, { headers });
  return { app, post, get, submitted, lines };
}

/** The seed's message with some fields changed; undefined leaves one out. */
export function flowWith(changes: Record<string, unknown>): Record<string, unknown> {
  return { ...FLOW, ...changes };
}

/** The problem that a response carries; throws when it carries none. */
export async function problemIn(response: Response): Promise<ProblemBody> {
  const type = response.headers.get("content-type");
  if (type !== "application/problem+json") throw new Error(`the answer is ${type}`);
  return (await response.json()) as ProblemBody;
}
