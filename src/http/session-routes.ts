import type { Call, Reply, Route } from "./call.ts";
import type { Visitors } from "./visitors.ts";

const PATH = "/inspect/session";

/**
 * Where a page trades the token for a cookie, and learns whether it has to.
 *
 * `POST` takes the token as the header of the API or as `token` of a form, which is sent on to
 * /inspect. `GET` answers 200, or 401 where a token is still to be shown.
 */
export function sessionRoutes(visitors: Visitors): readonly Route[] {
  return [
    { method: "GET", path: PATH, open: true, handle: (call) => ask(call, visitors) },
    { method: "POST", path: PATH, open: true, handle: (call) => open(call, visitors) },
  ];
}

function ask(call: Call, visitors: Visitors): Reply {
  visitors.checkViewer({ ...visitorOf(call, "GET"), cookie: call.header("cookie") });
  return { status: 200, body: { needsToken: visitors.needToken } };
}

async function open(call: Call, visitors: Visitors): Promise<Reply> {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(call.header("content-type") ?? "");
  const form = isForm ? new URLSearchParams(Buffer.from(await call.body()).toString()) : undefined;
  const visitor = visitorOf(call, "POST");
  const authorization = form ? `Bearer ${form.get("token") ?? ""}` : visitor.authorization;
  visitors.check({ ...visitor, authorization });
  const isSecure = call.header("x-forwarded-proto") === "https";
  const cookie = visitors.needToken ? { "set-cookie": visitors.sessions.open(isSecure) } : {};
  const body = { needsToken: visitors.needToken };
  if (!isForm) return { status: 200, body, headers: cookie };
  return { status: 303, body, headers: { ...cookie, location: "/inspect" } };
}

function visitorOf(call: Call, method: string) {
  return {
    method,
    host: call.header("host") ?? "localhost",
    origin: call.header("origin"),
    authorization: call.header("authorization"),
  };
}
