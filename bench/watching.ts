import type { WorkerEvent } from "../actors/index.ts";
import { workerWith } from "../actors/index.ts";
import { postponeMs } from "../actors/worker-rules.ts";
import { ActorHub } from "../src/inspect/actor-hub.ts";
import { redactor } from "../src/inspect/redact.ts";
import { Kernel } from "../src/kernel/kernel.ts";
import { VirtualClock } from "../src/kernel/virtual-clock.ts";
import type { InspectionSink } from "../src/messages/inspection.ts";
import { beatOf, inputOf } from "../test/actors/support.ts";
import { medianOf } from "./measure.ts";

const EVENTS = 20_000;
const ROUNDS = 7;
/** As a worker beats: of one that is followed each is told in full, with all that the actor knows. */
const BEAT_MS = 2_000;

export interface WatchingFigures {
  /** Microseconds for a beat of a worker: without a hub, and with one while nobody watches. */
  readonly bareUs: number;
  readonly unwatchedUs: number;
  /** While somebody watches all workers, and of one that somebody looks at. */
  readonly watchedUs: number;
  readonly followedUs: number;
}

/** What it costs that the beats of a worker can be watched, and are. Rounds by turns; medians. */
export async function measureWatching(): Promise<WatchingFigures> {
  const [bare, unwatched, watched, followed]: number[][] = [[], [], [], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    bare?.push(await costOf("none"));
    unwatched?.push(await costOf("hub"));
    watched?.push(await costOf("watched"));
    followed?.push(await costOf("followed"));
  }
  return {
    bareUs: medianOf(bare ?? []),
    unwatchedUs: medianOf(unwatched ?? []),
    watchedUs: medianOf(watched ?? []),
    followedUs: medianOf(followed ?? []),
  };
}

async function costOf(how: "none" | "hub" | "watched" | "followed"): Promise<number> {
  const clock = new VirtualClock(Date.now());
  using kernel = new Kernel({ clock });
  const nothing = () => {};
  const effects = {
    announce: nothing,
    redistribute: nothing,
    sendDrain: nothing,
    effectFailed: nothing,
  };
  const actor = kernel.start({
    address: "worker/w1",
    machine: workerWith(effects),
    input: inputOf(() => clock.now()),
    postponeMs,
  });
  actor.send({ type: "pong" });
  const hub = how === "none" ? undefined : hubOf(kernel);
  hub?.start();
  const watch = { v: 1, watcher: "bench", forMs: 60_000, sync: false } as const;
  if (how === "watched") await hub?.watch({ ...watch, follow: [] });
  if (how === "followed") await hub?.watch({ ...watch, follow: ["worker/w1"] });
  const beats = (first: number, last: number) => {
    for (let seq = first; seq <= last; seq += 1) {
      clock.advance(BEAT_MS);
      actor.send(beat(seq));
    }
  };
  beats(1, EVENTS / 10);
  const from = performance.now();
  beats(EVENTS / 10 + 1, EVENTS);
  const tookUs = (performance.now() - from) * 1_000;
  await hub?.close();
  return tookUs / (0.9 * EVENTS);
}

function beat(seq: number): WorkerEvent {
  return { type: "heartbeat", beat: beatOf(seq) };
}

/** Records are written as they would be for the bus, and counted. */
function hubOf(kernel: Kernel): ActorHub {
  let bytes = 0;
  const sink: InspectionSink = {
    publish: (record) => {
      bytes += JSON.stringify(record).length;
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
  return new ActorHub({ node, kernel, sink, redact: redactor(), now: Date.now, fault: () => {} });
}
