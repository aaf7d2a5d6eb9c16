import { setTimeout as pause } from "node:timers/promises";
import type { KvWatchEntry } from "@nats-io/kv";
import type { QueuedIterator } from "nats";
import type { KvBucket } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";

export interface BucketFollower {
  /** Resolves when all that is in the bucket now has been told. */
  caughtUp(): Promise<void>;
  /** Begins from the start: the bucket may be another one. */
  again(): void;
  stop(): void;
}

const AGAIN_MS = 500;
const LOOK_MS = 20;

/** Tells of all that is in a bucket, and then of what changes; `text` is undefined for what is taken out. */
export function followBucket(
  bus: Bus,
  name: KvBucket,
  tell: (key: string, text: string | undefined) => void,
  fault: (error: unknown, what: string) => void,
): BucketFollower {
  const bucket = bus.names.buckets[name];
  let watcher: QueuedIterator<KvWatchEntry> | undefined;
  let [revision, isStopped] = [0, false];

  const read = async () => {
    const kv = await bus.kvm.open(bucket);
    watcher = await kv.watch();
    if (isStopped) watcher.stop();
    for await (const entry of watcher) {
      revision = entry.revision;
      tell(entry.key, entry.operation === "PUT" ? entry.string() : undefined);
    }
  };
  const follow = async () => {
    while (!isStopped && !bus.nc.isClosed()) {
      revision = 0;
      try {
        await read();
      } catch (error) {
        if (!isStopped && !bus.nc.isClosed()) fault(error, `the bucket ${name} cannot be read`);
      }
      if (!isStopped) await pause(AGAIN_MS);
    }
  };
  void follow();
  return {
    caughtUp: async () => {
      while (!isStopped && !bus.nc.isClosed()) {
        const { state } = await bus.jsm.streams.info(`KV_${bucket}`);
        const last = state.messages === 0 ? 0 : state.last_seq;
        // Further entries may come all the time: those of this moment are waited for. A server that was
        // started again has another bucket, which is asked for anew.
        for (let looks = 0; !isStopped && revision < last && looks < 50; looks += 1)
          await pause(LOOK_MS);
        if (revision >= last) return;
      }
    },
    again: () => void watcher?.stop(),
    stop: () => {
      isStopped = true;
      watcher?.stop();
    },
  };
}
