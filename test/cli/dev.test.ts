import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { workerIds } from "../../src/cli/dev/dev.ts";
import { devConfig } from "../../src/cli/dev/dev-config.ts";
import { healthyWorkers } from "../../src/cli/dev/healthy-workers.ts";
import { isPortFree } from "../../src/cli/nats/free-port.ts";
import { loadConfig } from "../../src/config/load.ts";
import { busNames } from "../../src/messages/subjects.ts";

const configOf = (env: Record<string, string>) => loadConfig({ env });

test("dev starts as many workers as MIN_WORKERS says", () => {
  expect(workerIds(configOf({}))).toEqual(["worker-1", "worker-2"]);
  expect(workerIds(configOf({ MIN_WORKERS: "1" }))).toEqual(["worker-1"]);
  expect(workerIds(configOf({ MIN_WORKERS: "0" }))).toEqual([]);
});

test("BATUTA_WORKER_ID is the beginning of the ids", () => {
  expect(workerIds(configOf({ BATUTA_WORKER_ID: "ada" }))).toEqual(["ada-1", "ada-2"]);
});

test("on a shared server the ids of two developers differ, or they would evict each other", () => {
  const config = configOf({ BATUTA_NATS_URL: "nats://shared:4222" });
  expect(workerIds(config, 10)).not.toEqual(workerIds(config, 11));
});

/** A port that somebody else listens on until the test ends. */
async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

test("a port that somebody listens on is not free", async () => {
  expect(await isPortFree(await takenPort(), "127.0.0.1")).toBe(false);
});

test("an HTTP port that was asked for is kept, taken or not: the server tells", async () => {
  const port = await takenPort();
  const said: string[] = [];
  const config = await devConfig({ httpPort: String(port) }, (line) => void said.push(line));
  expect(config.http.port).toBe(port);
  expect(said).toEqual([]);
});

test("dev logs warnings only, unless a level was asked for", async () => {
  const say = () => {};
  const quiet = await devConfig({ httpPort: "0" }, say);
  const loud = await devConfig({ httpPort: "0", logLevel: "debug" }, say);
  expect([quiet.log.level, loud.log.level]).toEqual(["warn", "debug"]);
});

/** The part of a connection that healthyWorkers uses. */
function fakeBus() {
  let deliver: (body: object) => void = () => {};
  const nc = {
    subscribe(_subject: string, { callback }: { callback: (error: null, msg: object) => void }) {
      deliver = (body) => callback(null, { json: () => body });
      return { unsubscribe: () => {} };
    },
  };
  const bus = { nc, names: busNames() } as unknown as Parameters<typeof healthyWorkers>[0];
  return { bus, deliver: (workerId: string, to: string) => deliver({ workerId, to }) };
}

test("dev is ready once each of its workers has been announced as healthy", async () => {
  const { bus, deliver } = fakeBus();
  let ready = false;
  const workers = healthyWorkers(bus, ["w1", "w2"]);
  void workers.all.then(() => {
    ready = true;
  });
  deliver("w1", "registering");
  deliver("w1", "healthy");
  deliver("stranger", "healthy");
  await Promise.resolve();
  expect(ready).toBe(false);
  deliver("w2", "healthy");
  await workers.all;
});

test("dev without workers is ready at once", async () => {
  await healthyWorkers(fakeBus().bus, []).all;
});
