import { describe, expect, test } from "vitest";
import { InvalidInputError, LaneFullError, UnreachableError } from "../../src/domain/errors.ts";
import { flowWith, problemIn, testApp } from "./client.ts";
import { FLOW } from "./fake-port.ts";

async function refused(body: unknown, headers: Record<string, string> = {}) {
  const { post, submitted } = testApp();
  const response = await post(body, headers);
  expect(submitted).toEqual([]);
  return { response, problem: await problemIn(response) };
}

describe("a body that cannot be read", () => {
  test.each([
    ["empty", "", /empty/],
    ["not JSON", "{flowId: 1}", /not JSON/],
    ["cut off", JSON.stringify(FLOW).slice(0, -1), /not JSON/],
    ["not UTF-8", new Uint8Array([0x22, 0xff, 0xfe, 0x22]), /not JSON/],
  ])("%s is refused as INVALID", async (_, body, detail) => {
    const { response, problem } = await refused(body);
    expect(response.status).toBe(400);
    expect(problem).toMatchObject({
      type: "urn:batuta:error:INVALID",
      title: "The request does not fit the contract",
      status: 400,
      instance: "/orchestrator/execute",
      code: "INVALID",
      retryable: false,
    });
    expect(problem.detail).toMatch(detail);
    expect(problem.errors[0]).toMatchObject({ code: "E_NOT_JSON", pointer: "" });
  });

  test("one without any content type is refused as INVALID when it is empty", async () => {
    const response = await testApp().app.request("/orchestrator/execute", { method: "POST" });
    expect([response.status, (await problemIn(response)).code]).toEqual([400, "INVALID"]);
  });

  test("one that nests too deeply is refused, braces inside strings are not counted", async () => {
    const deep = `${"[".repeat(300)}${"]".repeat(300)}`;
    const body = JSON.stringify(flowWith({ inputs: 0 })).replace('"inputs":0', `"inputs":${deep}`);
    const { response, problem } = await refused(body);
    expect([response.status, problem.errors[0]?.code]).toEqual([400, "E_LIMIT"]);
    const text = `\\"${"{[".repeat(300)}`;
    expect((await testApp().post(flowWith({ inputs: { text } }))).status).toBe(202);
  });
});

describe("a body of another shape", () => {
  test("every field at fault is named by its JSON Pointer", async () => {
    const nodes = [{ id: "a.b", type: "" }];
    const { response, problem } = await refused({
      flowId: 7,
      priority: "urgent",
      flowData: { name: "x", version: 1, nodes },
    });
    expect(response.status).toBe(400);
    expect(problem.errors.map(({ pointer }) => pointer).sort()).toEqual([
      "/flowData/nodes/0/id",
      "/flowData/nodes/0/type",
      "/flowId",
      "/priority",
    ]);
    for (const error of problem.errors) expect(error.detail).not.toBe("");
  });

  test.each([[[]], ["text"], [null], [7]])("%j is no flow execution", async (body) => {
    expect((await refused(JSON.stringify(body))).response.status).toBe(400);
  });

  test.each(["../../etc/passwd", "a.b", "*", ">", "a b", "", "ñ", "x".repeat(129), "a\nb", "$JS"])(
    "the id %j is refused",
    async (id) => {
      for (const field of ["flowId", "executionId"]) {
        const { problem } = await refused(flowWith({ [field]: id }));
        expect(problem.errors.map(({ pointer }) => pointer)).toEqual([`/${field}`]);
      }
    },
  );

  test("of a thousand errors a hundred are sent, and the rest counted", async () => {
    const nodes = Array.from({ length: 1_000 }, () => ({ id: "", type: "noop" }));
    const { problem } = await refused(flowWith({ flowData: { name: "x", version: 1, nodes } }));
    expect(problem.errors).toHaveLength(100);
    expect(problem.errorsOmitted).toBe(900);
  });
});

describe("content types", () => {
  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonx",
    "application/json; charset=latin1",
  ])("%s is refused, since a form of a foreign page could send it", async (type) => {
    const { response, problem } = await refused(FLOW, { "content-type": type });
    expect([response.status, problem.code]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
    expect(response.headers.get("accept-post")).toBe("application/json");
  });

  test("a body without any content type is refused", async () => {
    const { app, submitted } = testApp();
    const body = new TextEncoder().encode(JSON.stringify(FLOW));
    const response = await app.request("/orchestrator/execute", { method: "POST", body });
    expect([response.status, (await problemIn(response)).code]).toEqual([
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ]);
    expect(submitted).toEqual([]);
  });

  test("a compressed body is refused", async () => {
    const { response } = await refused(FLOW, { "content-encoding": "gzip" });
    expect(response.status).toBe(415);
  });

  test.each([
    "application/json; charset=utf-8",
    'Application/JSON;charset="UTF-8"',
    "application/cloudevents+json",
  ])("%s is accepted", async (type) => {
    expect((await testApp().post(FLOW, { "content-type": type })).status).toBe(202);
  });
});

test("a body of 2 MB is refused as too large", async () => {
  const { response, problem } = await refused(flowWith({ inputs: "x".repeat(2_000_000) }));
  expect([response.status, problem.code]).toEqual([413, "TOO_LARGE"]);
  expect(problem.detail).toContain("BATUTA_HTTP_BODY_LIMIT_BYTES");
});

describe("what the port throws", () => {
  const answerTo = async (error: Error) => {
    const app = testApp({ submit: () => Promise.reject(error) });
    const response = await app.post(FLOW);
    return { response, problem: await problemIn(response), lines: app.lines };
  };

  test("an invalid flow is answered with its problems, hints included", async () => {
    const problems = [
      { code: "E_CYCLE", pointer: "/flowData/connections/1", detail: "a cycle", hint: "use while" },
    ];
    const { response, problem } = await answerTo(
      new InvalidInputError("flow: a cycle", { problems }),
    );
    expect(response.status).toBe(400);
    expect(problem).toMatchObject({ detail: "flow: a cycle", errors: problems });
  });

  test("a full lane asks to come back later", async () => {
    const { response, problem } = await answerTo(new LaneFullError("the lane high is full"));
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "5"]);
    expect(problem).toMatchObject({ code: "LANE_FULL", retryable: true });
  });

  test("an unreachable bus asks to come back later", async () => {
    const { response, problem } = await answerTo(new UnreachableError("no NATS server answers"));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(problem).toMatchObject({ code: "UNREACHABLE", retryable: true });
  });

  test("anything else is logged, not told", async () => {
    const { response, problem, lines } = await answerTo(new Error("password=hunter2"));
    expect([response.status, problem.code]).toEqual([500, "INTERNAL"]);
    expect(JSON.stringify(problem)).not.toContain("hunter2");
    expect(lines).toContainEqual({
      level: "error",
      message: "request failed",
      fields: expect.objectContaining({
        requestId: response.headers.get("x-request-id"),
        err: expect.any(Error),
      }),
    });
  });
});
