import type { Bus } from "../bus/connect.ts";
import { ensureTopology, type TopologyOptions } from "../bus/topology.ts";
import type { ProcessLog } from "./process-log.ts";

export interface BusWatchEvents {
  readonly lost: () => void;
  /** Connected again, and every stream is there again. */
  readonly back: () => void;
}

const RETRY_MS = 500;

/**
 * Follows the connection until it is closed. After a reconnect the topology is made anew before
 * anything else: memory streams are gone after a restart of the server.
 */
export function watchBus(
  bus: Bus,
  topology: TopologyOptions,
  events: BusWatchEvents,
  log: ProcessLog,
): void {
  const follow = async () => {
    for await (const status of bus.nc.status()) {
      if (status.type === "disconnect") events.lost();
      if (status.type === "reconnect" && (await restore(bus, topology, log))) events.back();
    }
  };
  void follow();
}

async function restore(bus: Bus, topology: TopologyOptions, log: ProcessLog): Promise<boolean> {
  log.info({ server: bus.nc.getServer() }, "bus is back");
  for (let attempt = 1; !bus.nc.isClosed(); attempt += 1) {
    try {
      await ensureTopology(bus, topology);
      return true;
    } catch (error) {
      log.warn({ err: error, attempt }, "topology could not be checked; trying again");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  return false;
}
