import type { Bus } from "../bus/connect.ts";
import { Kernel } from "../kernel/kernel.ts";
import { showConnection } from "./connection-actor.ts";
import { ExecutionActors } from "./execution-actors.ts";
import { Inspection, type InspectionSettings } from "./inspection.ts";
import type { ProcessLog } from "./process-log.ts";

/** The actors of a worker process: its connection, and what it runs as far as that is shown. */
export class WorkerInspection {
  readonly executions: ExecutionActors;
  readonly #kernel = new Kernel();
  #inspection: Inspection | undefined;

  constructor(workerId: string) {
    this.executions = new ExecutionActors({
      kernel: this.#kernel,
      workerId,
      isWatched: () => this.#inspection?.isWatched ?? false,
      now: Date.now,
    });
  }

  /** `showRunning` is to show what runs when somebody begins to watch. */
  start(
    bus: Bus,
    node: string,
    settings: InspectionSettings,
    log: ProcessLog,
    showRunning: () => void,
  ): void {
    if (!settings.enabled) return;
    showConnection(this.#kernel, "worker", bus);
    const kernel = this.#kernel;
    const watched = showRunning;
    this.#inspection = new Inspection({
      bus,
      kernel,
      node,
      kind: "worker",
      settings,
      watched,
      log,
    });
  }

  async close(): Promise<void> {
    await this.#inspection?.close();
    this.#kernel.stopAll();
  }
}
