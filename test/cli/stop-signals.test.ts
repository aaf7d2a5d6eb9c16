import { EventEmitter } from "node:events";
import { expect, test, vi } from "vitest";
import { endsWithin, stopRequest } from "../../src/cli/stop-signals.ts";

function setUp({ onHangup = false } = {}) {
  const source = new EventEmitter();
  const force = vi.fn();
  let time = 0;
  const stop = stopRequest({ source, force, onHangup, now: () => time });
  const signal = (name: string, atMs: number) => {
    time = atMs;
    source.emit(name, name);
  };
  return { source, force, stop, signal };
}

test("the first signal asks for an orderly stop and says which one it was", async () => {
  const { force, stop, signal } = setUp();
  signal("SIGTERM", 0);
  expect(stop.signal.aborted).toBe(true);
  expect(await stop.asked).toBe("SIGTERM");
  expect(force).not.toHaveBeenCalled();
});

test("the second signal forces the end", () => {
  const { force, signal } = setUp();
  signal("SIGINT", 0);
  signal("SIGINT", 2_000);
  expect(force).toHaveBeenCalledOnce();
});

test("one Ctrl-C that npx sends on a second time is still one", () => {
  const { force, signal } = setUp();
  signal("SIGINT", 1_000);
  signal("SIGINT", 1_020);
  expect(force).not.toHaveBeenCalled();
});

test("a closed terminal stops dev, but not a service, which nohup should hold", () => {
  const service = setUp();
  service.signal("SIGHUP", 0);
  expect(service.stop.signal.aborted).toBe(false);
  const dev = setUp({ onHangup: true });
  dev.signal("SIGHUP", 0);
  expect(dev.stop.signal.aborted).toBe(true);
});

test("a stop from inside counts as the first signal", async () => {
  const { force, stop, signal } = setUp();
  stop.stop("nats-server ended");
  expect(await stop.asked).toBe("nats-server ended");
  signal("SIGINT", 5_000);
  expect(force).toHaveBeenCalledOnce();
});

test("after close no listener is left", () => {
  const { source, stop } = setUp({ onHangup: true });
  stop.close();
  expect(source.eventNames()).toEqual([]);
});

test("work that ends in time is told from work that does not", async () => {
  expect(await endsWithin(Promise.resolve("done"), 60_000)).toBe(true);
  expect(await endsWithin(new Promise(() => {}), 0)).toBe(false);
});

test("work that fails in time rejects", async () => {
  await expect(endsWithin(Promise.reject(new Error("broken")), 60_000)).rejects.toThrow("broken");
});
