import type { WorkerEvent } from "../actors/index.ts";
import { workerWith } from "../actors/index.ts";
import { ActorHub } from "../src/inspect/actor-hub.ts";
import { redactor } from "../src/inspect/redact.ts";
import { Kernel } from "../src/kernel/kernel.ts";
import type { InspectionSink } from "../src/messages/inspection.ts";
import { beatOf, inputOf } from "../test/actors/support.ts";
import { medianOf } from "./measure.ts";

const EVENTS = 20_000;
const ROUNDS = 7;

export interface WatchingFigures {
  /** Microseconds for a beat of a worker: without a hub, with one while nobody watches, and watched. */
  readonly bareUs: number;
  readonly unwatchedUs: number;
  readonly watchedUs: number;
}

/** What it costs that the beats of a worker can be watched, and are. Rounds by turns; medians. */
export async function measureWatching(): Promise<WatchingFigures> {
  const [bare, unwatched, watched]: number[][] = [[], [], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    bare?.push(await costOf("none"));
    unwatched?.push(await costOf("hub"));
    watched?.push(await costOf("watched"));
  }
  return {
    bareUs: medianOf(bare ?? []),
    unwatchedUs: medianOf(unwatched ?? []),
    watchedUs: medianOf(watched ?? []),
  };
}

async function costOf(how: "none" | "hub" | "watched"): Promise<number> {
  using kernel = new Kernel();
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
    input: inputOf(Date.now),
  });
  const hub = how === "none" ? undefined : hubOf(kernel);
  hub?.start();
  if (how === "watched") await hub?.watch({ v: 1, watcher: "b", forMs: 60_000, sync: false });
  for (let seq = 1; seq <= EVENTS / 10; seq += 1) actor.send(beat(seq));
  const from = performance.now();
  for (let seq = EVENTS / 10 + 1; seq <= EVENTS; seq += 1) actor.send(beat(seq));
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
