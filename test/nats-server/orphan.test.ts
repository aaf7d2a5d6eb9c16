import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "nats";
import { expect, onTestFinished, test, vi } from "vitest";
import {
  identify,
  isRunning,
  type ProcessIdentity,
} from "../../src/nats-server/process-identity.ts";
import { privateBinary, startPrivateNats, temporaryDir, useNats } from "../support/nats.ts";

useNats();
const PARENT = fileURLToPath(new URL("./parent-process.ts", import.meta.url));

interface Parent {
  readonly parent: ChildProcess;
  readonly server: ProcessIdentity;
  readonly url: string;
}

async function parentWithServer(storeDir: string): Promise<Parent> {
  const { path, version } = privateBinary();
  const parent = spawn(process.execPath, ["--import", "tsx", PARENT, path, version, storeDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [line] = await once(parent.stdout as NodeJS.ReadableStream, "data");
  const { pid, url } = JSON.parse(String(line));
  return { parent, url, server: (await identify(pid)) as ProcessIdentity };
}

const untilGone = (server: ProcessIdentity) =>
  vi.waitFor(async () => expect(await isRunning(server)).toBe(false), 15_000);

test("a parent that is killed with SIGKILL leaves no server behind", async () => {
  const { parent, server } = await parentWithServer(await temporaryDir());
  expect(await isRunning(server)).toBe(true);
  parent.kill("SIGKILL");
  await untilGone(server);
});

test("a parent that just exits leaves no server behind", async () => {
  const { parent, server } = await parentWithServer(await temporaryDir());
  parent.kill("SIGTERM");
  await untilGone(server);
});

test("the store of a killed parent is taken over at once with all that was acknowledged", async () => {
  const storeDir = await temporaryDir();
  const { parent, server, url } = await parentWithServer(storeDir);
  const before = await connect({ servers: url, reconnect: false });
  await (await jetstreamManager(before)).streams.add({ name: "KEPT", subjects: ["kept"] });
  await jetstream(before).publish("kept", "42");
  parent.kill("SIGKILL");
  await before.closed();

  const next = await startPrivateNats({ storeDir });
  expect(await isRunning(server)).toBe(false);
  const after = await connect({ servers: next.url });
  onTestFinished(() => after.close());
  const { state } = await (await jetstreamManager(after)).streams.info("KEPT");
  expect(state.messages).toBe(1);
});
