import { expect, test } from "vitest";
import { argumentsFor, settingsOf } from "../../src/cli/flags.ts";
import { workerArguments } from "../../src/cli/serve/worker-processes.ts";
import { loadConfig } from "../../src/config/load.ts";

test("a flag wins over the environment, and what has no flag is left to the environment", () => {
  const flags = settingsOf({ url: "nats://flag:1", httpPort: "8080", id: "w1" });
  const env = { BATUTA_NATS_URL: "nats://env:2", BATUTA_WORKER_POOL: "gpu" };
  const config = loadConfig({ flags, env });
  expect(config.nats.url).toBe("nats://flag:1");
  expect(config.http.port).toBe(8080);
  expect(config.worker).toMatchObject({ id: "w1", pool: "gpu" });
});

test("a flag that is not given stands for no setting", () => {
  expect(settingsOf({ url: undefined })).toEqual({});
});

test("flags become a command line again, with values that look like options", () => {
  expect(argumentsFor({ labels: "--zone=eu", slots: "5" })).toEqual([
    "--slots=5",
    "--labels=--zone=eu",
  ]);
});

test("a worker of dev gets the server, its id and the worker's flags, but not those of dev", () => {
  const values = { slots: "9", prefix: "acme", httpPort: "1", workers: "3", id: "base", url: "x" };
  const config = loadConfig({ env: { BATUTA_WORKER_LABELS: "zone=eu" } });
  expect(workerArguments("w-1", { config, natsUrl: "nats://127.0.0.1:4222", values })).toEqual([
    "worker",
    "--lifeline",
    "--url=nats://127.0.0.1:4222",
    "--prefix=acme",
    "--id=w-1",
    "--slots=9",
    "--labels=zone=eu,provisioner=process",
  ]);
});
