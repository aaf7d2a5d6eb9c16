import { expect, test, vi } from "vitest";
import { waitForBus } from "../../src/cli/serve/wait-for-bus.ts";
import { loadConfig } from "../../src/config/load.ts";

const config = loadConfig({ env: {} });

function fakeLog(onWarn: () => void = () => {}) {
  return { debug: vi.fn(), info: vi.fn(), warn: vi.fn(onWarn), error: vi.fn() };
}

test("a server that is not there is waited for, which is told, until the wait is ended", async () => {
  const stop = new AbortController();
  const log = fakeLog(() => stop.abort());
  const url = "nats://user:secret@127.0.0.1:1";
  expect(await waitForBus(config, url, log, stop.signal)).toBeUndefined();
  const [fields, message] = log.warn.mock.calls[0] as unknown as [object, string];
  expect(message).toBe("no NATS server with JetStream answers; waiting for it");
  expect(fields).toEqual({ natsUrl: "nats://***@127.0.0.1:1", cause: "connection refused" });
});

test("a wait that has ended before it began tries nothing", async () => {
  const log = fakeLog();
  expect(await waitForBus(config, "nats://127.0.0.1:1", log, AbortSignal.abort())).toBeUndefined();
  expect(log.warn).not.toHaveBeenCalled();
});
