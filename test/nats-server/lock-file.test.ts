import { readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { LockedError, readLock, takeLock, waitForLock } from "../../src/nats-server/lock-file.ts";
import { identify, type ProcessIdentity } from "../../src/nats-server/process-identity.ts";
import { temporaryDir } from "../support/nats.ts";

const lockPath = async () => join(await temporaryDir(), "folder", ".batuta.lock");

/** This process, as it was before the machine was started again, or with another start time. */
async function formerSelf(change: Partial<ProcessIdentity>): Promise<ProcessIdentity> {
  return { ...((await identify(process.pid)) as ProcessIdentity), ...change };
}

async function leftover(owner: ProcessIdentity): Promise<string> {
  const path = join(await temporaryDir(), ".batuta.lock");
  await writeFile(path, JSON.stringify({ owner }));
  return path;
}

test("a lock that is held refuses a second taker and names the holder", async () => {
  const path = await lockPath();
  await using _held = await takeLock(path);
  await expect(takeLock(path)).rejects.toThrow(`held by process ${process.pid}`);
});

test("a released lock can be taken again, and releasing twice does no harm", async () => {
  const path = await lockPath();
  const first = await takeLock(path);
  await first.release();
  await using _second = await takeLock(path);
  await first.release();
  expect(await readLock(path)).toMatchObject({ owner: { pid: process.pid } });
});

test("the lock of a process that is gone is taken over", async () => {
  const path = await leftover({ pid: 2 ** 22 + 1, bootId: "b", startedAt: "1" });
  await using _lock = await takeLock(path);
});

test("a lock from before a reboot is taken over although its pid lives again", async () => {
  const path = await leftover(await formerSelf({ bootId: "another boot" }));
  await using _lock = await takeLock(path);
});

test("a lock of an earlier process with the same pid is taken over", async () => {
  const path = await leftover(await formerSelf({ startedAt: "another time" }));
  await using _lock = await takeLock(path);
});

test("a file that is no lock is taken over", async () => {
  const path = join(await temporaryDir(), ".batuta.lock");
  await writeFile(path, "not JSON");
  await using _lock = await takeLock(path);
});

test("of many that find a leftover at once exactly one gets the lock", async () => {
  const path = await leftover({ pid: 2 ** 22 + 1, bootId: "b", startedAt: "1" });
  const taken = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path)));
  expect(taken.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const reasons = taken.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
  expect(reasons.filter((reason) => !(reason instanceof LockedError))).toEqual([]);
  expect(await readdir(dirname(path))).toEqual([".batuta.lock"]);
});

test("one who waits gets the lock when its holder is done", async () => {
  const path = await lockPath();
  const held = await takeLock(path);
  await using _lock = await waitForLock(path, 10_000, () => void held.release());
});
