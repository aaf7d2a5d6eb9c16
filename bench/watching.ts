import type { WorkerEvent } from "../actors/index.ts";
import { workerWith } from "../actors/index.ts";
import { postponeMs } from "../actors/worker-rules.ts";
import { ActorHub } from "../src/inspect/actor-hub.ts";
import { redactingWriter } from "../src/inspect/redact.ts";
import { Kernel } from "../src/kernel/kernel.ts";
import { VirtualClock } from "../src/kernel/virtual-clock.ts";
import type { InspectionSink } from "../src/messages/inspection.ts";
import { beatOf, inputOf } from "../test/actors/support.ts";
import { medianOf } from "./measure.ts";

const EVENTS = 20_000;
const ROUNDS = 7;
const MANY = 1_000;
/** As a worker beats: of one that is followed each is told in full, with all that the actor knows. */
const BEAT_MS = 2_000;

export interface WatchingFigures {
  /** Microseconds for a beat of a worker: without a hub, and with one while nobody watches. */
  readonly bareUs: number;
  readonly unwatchedUs: number;
  /** While somebody watches all workers, and of the one that somebody looks at. */
  readonly watchedUs: number;
  readonly followedUs: number;
  /** Of one among many, without a hub, and when all of them are looked at, as Stately's tools do. */
  readonly amongManyUs: number;
  readonly allFollowedUs: number;
}

/** What it costs that the beats of a worker can be watched, and are. Rounds by turns; medians. */
export async function measureWatching(): Promise<WatchingFigures> {
  const all: number[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) all.push(await measureOnce());
  const median = (of: number) => medianOf(all.map((each) => each[of] ?? 0));
  return {
    bareUs: median(0),
    unwatchedUs: median(1),
    watchedUs: median(2),
    followedUs: median(3),
    amongManyUs: median(4),
    allFollowedUs: median(5),
  };
}

async function measureOnce(): Promise<number[]> {
  return [
    await costOf("none"),
    await costOf("hub"),
    await costOf("watched"),
    await costOf("followed"),
    await costOf("none", MANY),
    await costOf("followed", MANY),
  ];
}

/** Microseconds for a beat of one of so many workers, each of which beats every 2 s. */
async function costOf(how: "none" | "hub" | "watched" | "followed", count = 1): Promise<number> {
  const clock = new VirtualClock(Date.now());
  using kernel = new Kernel({ clock });
  const workers = startWorkers(kernel, clock, count);
  const hub = how === "none" ? undefined : hubOf(kernel);
  hub?.start();
  const watch = { v: 1, watcher: "bench", forMs: 60_000, sync: false } as const;
  if (how === "watched") await hub?.watch({ ...watch, follow: [] });
  if (how === "followed")
    await hub?.watch(count === 1 ? { ...watch, follow: ["worker/w0"] } : watch);
  const beats = (first: number, last: number) => {
    for (let seq = first; seq <= last; seq += 1)
      for (const worker of workers) {
        clock.advance(BEAT_MS / count);
        worker.send(beat(seq));
      }
  };
  const each = EVENTS / count;
  beats(1, each / 10);
  const from = performance.now();
  beats(each / 10 + 1, each);
  const tookUs = (performance.now() - from) * 1_000;
  await hub?.close();
  return tookUs / (0.9 * EVENTS);
}

function startWorkers(kernel: Kernel, clock: VirtualClock, count: number) {
  const nothing = () => {};
  const effects = {
    announce: nothing,
    redistribute: nothing,
    sendDrain: nothing,
    effectFailed: nothing,
  };
  const machine = workerWith(effects);
  return Array.from({ length: count }, (_, i) => {
    const input = inputOf(() => clock.now());
    const worker = kernel.start({ address: `worker/w${i}`, machine, input, postponeMs });
    worker.send({ type: "pong" });
    return worker;
  });
}

function beat(seq: number): WorkerEvent {
  return { type: "heartbeat", beat: beatOf(seq) };
}

/** Records are written as they would be for the bus, and counted. */
function hubOf(kernel: Kernel): ActorHub {
  let bytes = 0;
  const sink: InspectionSink = {
    publish: (_, text) => {
      bytes += Buffer.byteLength(text);
      return bytes > 0;
    },
    put: async () => {},
    remove: async () => {},
    define: async () => {},
  };
  const node = {
    node: "bench",
    kind: "orchestrator",
    hostname: "h",
    pid: 1,
    version: "0",
  } as const;
  return new ActorHub({
    node,
    kernel,
    sink,
    write: redactingWriter(),
    now: Date.now,
    fault: () => {},
  });
}
