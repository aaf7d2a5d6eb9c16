import { type ConnectionEvent, connectionMachine } from "../../actors/connection.ts";
import type { Bus } from "../bus/connect.ts";
import type { ActorRef } from "../kernel/actor.ts";
import type { Kernel } from "../kernel/kernel.ts";

/** Shows one connection to the bus as the actor `connection/<purpose>`. */
export function showConnection(
  kernel: Kernel,
  purpose: string,
  { nc }: Bus,
): ActorRef<ConnectionEvent> {
  const actor = kernel.start({
    address: `connection/${purpose}`,
    machine: connectionMachine,
    input: { purpose, server: nc.getServer() },
  }) as ActorRef<ConnectionEvent>;
  const follow = async () => {
    for await (const status of nc.status()) {
      if (status.type === "disconnect") actor.send({ type: "disconnected" });
      if (status.type === "reconnect") actor.send({ type: "reconnected", server: nc.getServer() });
    }
  };
  void follow();
  return actor;
}
