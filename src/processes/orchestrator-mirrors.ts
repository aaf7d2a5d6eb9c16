import type { ConnectionEvent } from "../../actors/connection.ts";
import { type LeaseEvent, leaseMachine } from "../../actors/lease.ts";
import type { Bus } from "../bus/connect.ts";
import type { ActorRef } from "../kernel/actor.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { showConnection } from "./connection-actor.ts";

/** Those actors of an orchestrator that only show what others do: its connections and its lease. */
export class OrchestratorMirrors {
  readonly #lease: ActorRef<LeaseEvent>;
  readonly #control: ActorRef<ConnectionEvent>;

  constructor(kernel: Kernel, orchestratorId: string, buses: { data: Bus; control: Bus }) {
    this.#lease = kernel.start({
      address: "lease",
      parent: "supervisor",
      machine: leaseMachine,
      input: { holder: orchestratorId },
    }) as ActorRef<LeaseEvent>;
    showConnection(kernel, "data", buses.data);
    this.#control = showConnection(kernel, "control", buses.control);
  }

  lease(event: LeaseEvent): void {
    this.#lease.send(event);
  }

  /** How long the server owes an answer to the control connection; 0: it answers. */
  silence(silentMs: number): void {
    this.#control.send(silentMs > 0 ? { type: "silent", silentMs } : { type: "answered" });
  }
}
