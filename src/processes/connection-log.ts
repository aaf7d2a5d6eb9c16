import type { Bus } from "../bus/connect.ts";
import type { ProcessLog } from "./process-log.ts";

/**
 * Says in the log when a connection is lost, and when there is one again. What comes in between, the
 * client buffers; what the server had sent and this process had not read is lost with it. Besides a
 * server that ends, one that finds this process too slow a reader cuts it off.
 */
export function logConnection(bus: Bus, connection: string, log: ProcessLog): void {
  let lostAt: number | undefined;
  const follow = async () => {
    for await (const status of bus.nc.status()) {
      if (status.type === "disconnect" && lostAt === undefined && !bus.nc.isDraining()) {
        lostAt = Date.now();
        log.warn({ connection, server: status.server }, "connection to the bus lost");
      }
      if (status.type !== "reconnect" || lostAt === undefined) continue;
      const downMs = Date.now() - lostAt;
      lostAt = undefined;
      log.info({ connection, server: status.server, downMs }, "connected to the bus again");
    }
  };
  void follow();
}
