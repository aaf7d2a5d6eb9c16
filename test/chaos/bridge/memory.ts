import { setTimeout as pause } from "node:timers/promises";
import { FLOWS, storeResult } from "../../../bench/amqp/rates.ts";
import type { Scene } from "./crossing.ts";
import { Producer } from "./producer.ts";

/** Resident MB before, and at the most while one side took nothing. */
export type Memory = readonly [from: number, to: number];

const SETTLE_MS = 10_000;
const WATCH_MS = 30_000;
const LOOK_MS = 200;

/** As many flows as crossed before wait in RabbitMQ, and a frozen NATS takes none. */
export async function memoryWithoutNats(scene: Scene): Promise<Memory> {
  const { server, rabbit, messages, tell } = scene;
  tell("nats-server frozen");
  const pid = server.pid ?? 0;
  process.kill(pid, "SIGSTOP");
  try {
    const producer = new Producer(rabbit.url, FLOWS);
    const ids = Array.from({ length: messages }, (_, i) => `m-${i}`);
    return await watch(scene, async () => {
      await producer.publish(ids);
      await producer.close();
    });
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

/** As many results wait in NATS, and a broker short of memory takes none. */
export async function memoryWithoutRabbit(scene: Scene): Promise<Memory> {
  const { rabbit, messages, tell } = scene;
  await pause(SETTLE_MS);
  tell("RabbitMQ short of memory");
  await rabbit.control("set_vm_memory_high_watermark", "absolute", "1MB");
  try {
    return await watch(scene, async () => {
      for (let i = 0; i < messages; i += 500)
        await Promise.all(
          Array.from({ length: 500 }, (_, each) => storeResult(scene, `m-${i + each}`)),
        );
    });
  } finally {
    await rabbit.control("set_vm_memory_high_watermark", "0.4");
  }
}

async function watch({ bridge }: Scene, load: () => Promise<void>): Promise<Memory> {
  const until = performance.now() + SETTLE_MS + WATCH_MS;
  const loading = load();
  await pause(SETTLE_MS);
  const from = bridge.memoryMB;
  let most = from;
  while (performance.now() < until) {
    most = Math.max(most, bridge.memoryMB);
    await pause(LOOK_MS);
  }
  await loading;
  return [from, most];
}
