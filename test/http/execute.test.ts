import { describe, expect, test, vi } from "vitest";
import type { OrchestratorPort } from "../../src/http/port.ts";
import { flowWith, problemIn, testApp } from "./client.ts";
import { FLOW, RESULT } from "./fake-port.ts";

describe("POST /orchestrator/execute", () => {
  test("the seed's body is accepted with its id, its lane and where to look", async () => {
    const { post, submitted } = testApp();
    const response = await post(FLOW);
    expect(response.status).toBe(202);
    expect(response.headers.get("location")).toBe("/executions/exec-456");
    expect(await response.json()).toEqual({
      executionId: "exec-456",
      lane: "high",
      status: "accepted",
    });
    expect(submitted).toEqual([[FLOW, "high", {}]]);
  });

  test("priority decides the lane; without one it is normal", async () => {
    const { post, submitted } = testApp();
    await post(flowWith({ priority: "low" }));
    await post(flowWith({ priority: undefined }));
    expect(submitted.map(([, lane]) => lane)).toEqual(["low", "normal"]);
  });

  test("unknown fields travel on", async () => {
    const { post, submitted } = testApp();
    await post(flowWith({ tenant: "acme" }));
    expect(submitted[0]?.[0]).toHaveProperty("tenant", "acme");
  });

  test("an executionId that was used before is answered with what is known", async () => {
    const known = { executionId: "exec-456", lane: "high", status: "running" } as const;
    const running = await testApp({ submit: async () => ({ known }) }).post(FLOW);
    expect([running.status, await running.json()]).toEqual([200, known]);
    const ended = await testApp({ submit: async () => ({ known: RESULT }) }).post(FLOW);
    expect([ended.status, await ended.json()]).toEqual([200, RESULT]);
  });

  test("trace context travels with the message, unless it is malformed", async () => {
    const { post, submitted } = testApp();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await post(FLOW, { traceparent, tracestate: "rojo=1" });
    await post(FLOW, { traceparent: "nonsense", tracestate: "rojo=1" });
    expect(submitted.map(([, , headers]) => headers)).toEqual([
      { traceparent, tracestate: "rojo=1" },
      {},
    ]);
  });
});

describe("the Idempotency-Key header", () => {
  test("names the execution where the body does not, with or without quotes", async () => {
    const { post, submitted } = testApp();
    const body = flowWith({ executionId: undefined });
    await post(body, { "idempotency-key": "order-17" });
    await post(body, { "idempotency-key": '"order-18"' });
    expect(submitted.map(([{ executionId }]) => executionId)).toEqual(["order-17", "order-18"]);
  });

  test("may repeat the executionId, not contradict it", async () => {
    const { post, submitted } = testApp();
    expect((await post(FLOW, { "idempotency-key": "exec-456" })).status).toBe(202);
    const response = await post(FLOW, { "idempotency-key": "other" });
    expect(response.status).toBe(400);
    expect((await problemIn(response)).errors).toMatchObject([
      { code: "E_IDEMPOTENCY_KEY", pointer: "/executionId" },
    ]);
    expect(submitted).toHaveLength(1);
  });

  test.each(["a.b", "*", "a b", "", "k".repeat(129)])("is refused when it is %j", async (key) => {
    const { post, submitted } = testApp();
    const response = await post(flowWith({ executionId: undefined }), { "idempotency-key": key });
    expect(response.status).toBe(400);
    expect(submitted).toEqual([]);
  });
});

describe("?wait=", () => {
  const waiting = (result: typeof RESULT | undefined) => {
    const waitForResult = vi.fn<OrchestratorPort["waitForResult"]>(async () => result);
    return { waitForResult, ...testApp({ waitForResult }) };
  };

  test("answers 200 and the result when it ends in time", async () => {
    const { post, waitForResult } = waiting(RESULT);
    const response = await post(FLOW, {}, "?wait=30s");
    expect([response.status, await response.json()]).toEqual([200, RESULT]);
    expect(waitForResult).toHaveBeenCalledWith("exec-456", 30_000, expect.any(AbortSignal));
  });

  test("answers 202 when it does not", async () => {
    const response = await waiting(undefined).post(FLOW, {}, "?wait=10ms");
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ status: "accepted" });
  });

  test("waits for the result of an execution that is known and still runs", async () => {
    const known = { executionId: "exec-456", lane: "high", status: "running" } as const;
    const submit = async () => ({ known });
    const ended = testApp({ submit, waitForResult: async () => RESULT });
    expect(await (await ended.post(FLOW, {}, "?wait=1s")).json()).toEqual(RESULT);
    const late = await testApp({ submit }).post(FLOW, {}, "?wait=10ms");
    expect([late.status, await late.json()]).toEqual([202, known]);
  });

  test.each([
    ["500ms", 500],
    ["2m", 60_000],
    ["1500", 1_500],
    ["999999999s", 60_000],
  ])("%s waits %d ms: no longer than the server allows", async (wait, timeoutMs) => {
    const { post, waitForResult } = waiting(undefined);
    await post(FLOW, {}, `?wait=${wait}`);
    expect(waitForResult.mock.calls[0]?.[1]).toBe(timeoutMs);
  });

  test("of nothing does not wait", async () => {
    const { post, waitForResult } = waiting(RESULT);
    expect((await post(FLOW, {}, "?wait=0")).status).toBe(202);
    expect(waitForResult).not.toHaveBeenCalled();
  });

  test.each(["soon", "-1s", "1h", "", "1.5s", "30s&"])(
    "%j is refused before anything is published",
    async (wait) => {
      const { post, submitted } = testApp();
      const response = await post(FLOW, {}, `?wait=${encodeURIComponent(wait)}`);
      expect(response.status).toBe(400);
      expect((await problemIn(response)).errors[0]?.code).toBe("E_WAIT");
      expect(submitted).toEqual([]);
    },
  );

  test("still answers 202 when the waiting itself fails: the execution was accepted", async () => {
    const waitForResult = async () => {
      throw new Error("connection lost");
    };
    const { post, lines } = testApp({ waitForResult });
    expect((await post(FLOW, {}, "?wait=1s")).status).toBe(202);
    expect(lines.map(({ message }) => message)).toContain("waiting for a result ended early");
  });
});
