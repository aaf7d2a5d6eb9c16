import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UnreachableError } from "../domain/errors.ts";
import { identify, isRunning, type ProcessIdentity } from "./process-identity.ts";

/** What a lock file says: who holds it and, for a store, which server runs on it. */
export interface LockRecord {
  readonly owner: ProcessIdentity;
  readonly server?: ProcessIdentity;
}

export interface LockFile extends AsyncDisposable {
  /** Names the server that now runs under this lock. */
  setServer(server: ProcessIdentity): Promise<void>;
  /** Leaves the lock to the server alone: it is held until that server is gone. */
  handOver(server: ProcessIdentity): Promise<void>;
  /** Does nothing when called again. */
  release(): Promise<void>;
}

/** Thrown while another process holds the lock. */
export class LockedError extends UnreachableError {
  readonly holder: LockRecord;

  constructor(path: string, holder: LockRecord) {
    super(`${path} is held by process ${holder.owner.pid}`);
    this.holder = holder;
  }
}

/** Reads a lock; undefined when there is none or it is not readable as one. */
export async function readLock(path: string): Promise<LockRecord | undefined> {
  return parseLock(await readText(path));
}

/**
 * Takes the lock, or the leftover of a process that is gone.
 * @throws LockedError when a live process holds it, or the server named in it still runs.
 */
export async function takeLock(path: string): Promise<LockFile> {
  const owner = await ownIdentity();
  await mkdir(dirname(path), { recursive: true });
  for (let round = 0; round < 200; round++) {
    if (await create(path, { owner })) return lockFile(path, owner);
    const text = await readText(path);
    const holder = parseLock(text);
    if (holder !== undefined && (await isHeld(holder))) throw new LockedError(path, holder);
    if (text !== undefined && (await takeOver(path, text, owner))) return lockFile(path, owner);
    await delay(5);
  }
  throw new UnreachableError(`${path} cannot be taken over from a process that is gone; delete it`);
}

/** As `takeLock`, but waits until the holder is done; rejects with LockedError after `waitMs`. */
export async function waitForLock(
  path: string,
  waitMs: number,
  onWait: (holder: LockRecord) => void = () => {},
): Promise<LockFile> {
  const until = Date.now() + waitMs;
  for (let told = false; ; told = true) {
    try {
      return await takeLock(path);
    } catch (error) {
      if (!(error instanceof LockedError) || Date.now() > until) throw error;
      if (!told) onWait(error.holder);
      await delay(100);
    }
  }
}

async function isHeld({ owner, server }: LockRecord): Promise<boolean> {
  if (await isRunning(owner)) return true;
  return server !== undefined && (await isRunning(server));
}

/** The file appears with its content in one step (link), so that nobody reads an empty lock. */
async function create(path: string, record: LockRecord): Promise<boolean> {
  const draft = await writeDraft(path, record);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Replaces a leftover. Of several that found it, only the one with the claim may, and only while
 * the lock still reads as it was found: one that comes late sees the new holder's.
 */
async function takeOver(path: string, found: string, owner: ProcessIdentity): Promise<boolean> {
  const claim = `${path}.claim`;
  if (!(await create(claim, { owner }))) {
    const claimant = await readLock(claim);
    if (claimant !== undefined && !(await isHeld(claimant))) await rm(claim, { force: true });
    return false;
  }
  try {
    if ((await readText(path)) !== found) return false;
    await rename(await writeDraft(path, { owner }), path);
    return true;
  } finally {
    await rm(claim, { force: true });
  }
}

async function writeDraft(path: string, record: LockRecord): Promise<string> {
  const draft = `${path}.${process.pid}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(record));
  return draft;
}

/** Released between two looks, or unreadable: taking it is tried again, and tells in the end. */
function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

function parseLock(text: string | undefined): LockRecord | undefined {
  try {
    const record = JSON.parse(text ?? "");
    return typeof record?.owner?.pid === "number" ? record : undefined;
  } catch {
    return undefined;
  }
}

function lockFile(path: string, owner: ProcessIdentity): LockFile {
  let released = false;
  const write = async (record: LockRecord) => rename(await writeDraft(path, record), path);
  const release = async () => {
    if (released) return;
    released = true;
    await rm(path, { force: true });
  };
  return {
    setServer: (server) => write({ owner, server }),
    async handOver(server) {
      released = true;
      await write({ owner: server, server });
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}

async function ownIdentity(): Promise<ProcessIdentity> {
  const identity = await identify(process.pid);
  if (identity === undefined)
    throw new UnreachableError("this process cannot see itself in the process table");
  return identity;
}
