import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { KedaProvisioner } from "../../src/provisioners/keda.ts";
import { type KedaScaler, serveKedaScaler } from "../../src/provisioners/keda-scaler.ts";
import { kedaClient, REF } from "./support/keda-client.ts";

const HOST = "127.0.0.1";

async function setUp(first: number | undefined = 0) {
  let desired: number | undefined = first;
  const listeners = new Set<() => void>();
  let left = () => {};
  const onChange = (listener: () => void) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      left();
    };
  };
  const scaler: KedaScaler = await serveKedaScaler({
    source: { desired: () => desired, onChange },
    host: HOST,
    port: 0,
  });
  onTestFinished(() => scaler[Symbol.asyncDispose]());
  const set = (next: number | undefined) => {
    desired = next;
    for (const listener of listeners) listener();
  };
  const untilNobodyListens = async () => {
    while (listeners.size > 0) await new Promise<void>((resolve) => (left = resolve));
  };
  return { scaler, set, listeners, untilNobodyListens, ...kedaClient(scaler.port) };
}

test("KEDA reads how many workers there are to be, at one worker for each", async () => {
  const { ask, set } = await setUp();
  expect(await ask("GetMetricSpec", REF)).toEqual({
    metricSpecs: [{ metricName: "desired_workers", targetSize: 1, targetSizeFloat: 1 }],
  });
  for (const desired of [0, 1, 7, 127, 128, 300, 10_000]) {
    set(desired);
    const metric = { metricName: "desired_workers" };
    expect(await ask("GetMetrics", { scaledObjectRef: REF, ...metric })).toEqual({
      metricValues: [{ ...metric, metricValue: desired, metricValueFloat: desired }],
    });
    expect(await ask("IsActive", REF)).toEqual({ result: desired > 0 });
  }
});

test("KEDA is told at once when there is to be a worker, and when there is to be none", async () => {
  const { stream, set } = await setUp();
  const { until, told } = stream();
  await until(1);
  set(1);
  set(2);
  set(0);
  await until(3);
  expect(told).toEqual([{ result: false }, { result: true }, { result: false }]);
});

test("while nobody knows the number KEDA is refused, so that it does not scale to zero", async () => {
  const { ask, stream, set } = await setUp(undefined);
  set(undefined);
  const { told, until } = stream();
  await expect(ask("IsActive", REF)).rejects.toThrow(/UNAVAILABLE: no orchestrator leads/);
  await expect(ask("GetMetrics", { metricName: "x" })).rejects.toThrow("UNAVAILABLE");
  expect(told).toEqual([]);
  set(3);
  expect(await until(1)).toEqual([{ result: true }]);
});

test("a client that goes away is forgotten, and the others are told as before", async () => {
  const { stream, set, scaler, listeners } = await setUp();
  const staying = stream();
  const leaving = stream();
  await Promise.all([staying.until(1), leaving.until(1)]);
  expect(scaler.streams).toBe(2);
  leaving.cancel();
  await leaving.ended;
  while (scaler.streams > 1) await new Promise((resolve) => setImmediate(resolve));
  expect(listeners.size).toBe(1);
  set(4);
  expect(await staying.until(2)).toEqual([{ result: false }, { result: true }]);
});

test("when the orchestrator ends, its streams end and its port is free", async () => {
  const { stream, scaler, untilNobodyListens } = await setUp(1);
  const { until, ended } = stream();
  await until(1);
  await scaler[Symbol.asyncDispose]();
  expect(await ended).toBe("end");
  await untilNobodyListens();
  const again = createServer();
  await new Promise<void>((resolve, reject) => {
    again.once("error", reject).listen(scaler.port, HOST, resolve);
  });
  await new Promise<void>((resolve) => again.close(() => resolve()));
});

test("targets that never change are not streamed: KEDA falls back to asking", async () => {
  const { stream } = await setUp(1);
  expect(await stream("StreamMetricSpec").ended).toContain("UNIMPLEMENTED");
});

test("a port that is taken, and gRPC that is not installed, are told with what to do", async () => {
  const { scaler } = await setUp();
  const source = { desired: () => 0, onChange: () => () => {} };
  await expect(serveKedaScaler({ source, host: HOST, port: scaler.port })).rejects.toThrow(
    `cannot listen on 127.0.0.1:${scaler.port} (BATUTA_SCALING_KEDA_PORT)`,
  );
  const load = () => Promise.reject(new Error("Cannot find package '@grpc/grpc-js'"));
  await expect(serveKedaScaler({ source, host: HOST, port: 0, load })).rejects.toThrow(
    "npm install @grpc/grpc-js@1.14.7, or set BATUTA_SCALING_KEDA_PORT=0",
  );
});

test("where KEDA scales, Batuta starts and stops nothing itself", async () => {
  await using keda = new KedaProvisioner();
  await keda.start();
  await keda.retire();
  expect([keda.kind, keda.advisory, await keda.list()]).toEqual(["keda", true, []]);
});
