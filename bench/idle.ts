import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "../src/bus/connect.ts";
import { idleBeat, register, registrationOf } from "../test/support/fake-worker.ts";
import { processUsage, round } from "./measure.ts";

export interface IdleFigures {
  readonly workers: number;
  readonly cpuPercentOfCore: number;
  readonly rssMB: number;
}

const BEAT_MS = 2_000;
/** About 25 s after the start V8 gives back, by full collections, what starting up has used. */
const SETTLE_MS = 30_000;
const WATCH_MS = 20_000;

/**
 * What an orchestrator costs while nothing is to do: workers that speak the protocol (they register,
 * beat every 2 s, answer pings) but run in this process, so that only the orchestrator is measured.
 */
export async function measureIdle(
  bus: Bus,
  orchestratorPid: number,
  workers: number,
): Promise<IdleFigures> {
  const beating = await Promise.all(
    Array.from({ length: workers }, (_, index) => simulatedWorker(bus, `idle-${index + 1}`)),
  );
  await pause(SETTLE_MS);
  const before = processUsage(orchestratorPid);
  await pause(WATCH_MS);
  const after = processUsage(orchestratorPid);
  for (const stop of beating) stop();
  return {
    workers,
    cpuPercentOfCore: round(((after.cpuMs - before.cpuMs) / WATCH_MS) * 100, 2),
    rssMB: after.rssMB,
  };
}

/** A worker that registers, beats and answers pings; resolves with a function that ends it. */
export async function simulatedWorker(bus: Bus, workerId: string): Promise<() => void> {
  const { nc, names } = bus;
  const registration = registrationOf(workerId, { heartbeatIntervalMs: BEAT_MS });
  const { incarnation } = registration;
  const pings = nc.subscribe(names.ping(workerId), {
    callback: (_, msg) => {
      msg.respond(JSON.stringify({ workerId, incarnation, free: 5, draining: false }));
    },
  });
  const { accepted, reason } = await register(bus, registration);
  if (!accepted) throw new Error(`${workerId} was refused: ${reason}`);
  let seq = 0;
  const beat = () =>
    nc.publish(names.heartbeat(workerId), JSON.stringify(idleBeat(workerId, incarnation, seq++)));
  beat();
  const timer = setInterval(beat, BEAT_MS);
  return () => {
    clearInterval(timer);
    pings.unsubscribe();
    nc.publish(
      names.bye(workerId),
      JSON.stringify({ workerId, incarnation, reason: "bench over" }),
    );
  };
}
