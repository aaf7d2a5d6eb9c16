import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { workerBaseId } from "../../src/cli/dev/dev.ts";
import { devConfig } from "../../src/cli/dev/dev-config.ts";
import { healthyWorkers } from "../../src/cli/dev/healthy-workers.ts";
import { isPortFree } from "../../src/cli/nats/free-port.ts";
import { loadConfig } from "../../src/config/load.ts";
import { busNames } from "../../src/messages/subjects.ts";

const configOf = (env: Record<string, string>) => loadConfig({ env });

test("BATUTA_WORKER_ID is the beginning of the ids of dev's workers", () => {
  expect(workerBaseId(configOf({}))).toBe("worker");
  expect(workerBaseId(configOf({ BATUTA_WORKER_ID: "ada" }))).toBe("ada");
});

test("on a shared server the ids of two developers differ, or they would evict each other", () => {
  const config = configOf({ BATUTA_NATS_URL: "nats://shared:4222" });
  expect(workerBaseId(config, 10)).not.toEqual(workerBaseId(config, 11));
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

/** A fleet of which some are healthy already. */
function fleetWith(...healthy: readonly string[]) {
  const members = healthy.map((workerId) => ({
    registration: { workerId },
    standing: { state: "healthy" },
  }));
  return { members: () => members } as unknown as Parameters<typeof healthyWorkers>[1];
}

test("dev is ready once so many workers have been announced as healthy", async () => {
  const { bus, deliver } = fakeBus();
  let ready = false;
  const workers = healthyWorkers(bus, fleetWith(), 2);
  void workers.enough.then(() => {
    ready = true;
  });
  deliver("w1", "registering");
  deliver("w1", "healthy");
  deliver("w1", "healthy");
  await Promise.resolve();
  expect(ready).toBe(false);
  deliver("w2", "healthy");
  await workers.enough;
  expect(workers.ids).toEqual(["w1", "w2"]);
});

test("workers that were healthy before dev listened count as well", async () => {
  const { bus, deliver } = fakeBus();
  const workers = healthyWorkers(bus, fleetWith("w1"), 2);
  deliver("w2", "healthy");
  await workers.enough;
});

test("dev without workers is ready at once", async () => {
  await healthyWorkers(fakeBus().bus, fleetWith(), 0).enough;
});
