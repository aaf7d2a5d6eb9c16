import type { ProvisionerKind } from "../../domain/provisioning.ts";
import { NoProvisioner } from "../../provisioners/none.ts";
import type { Provisioner } from "../../provisioners/provisioner.ts";
import { type WorkerProcessesOptions, workerProcesses } from "./worker-processes.ts";

/** What starts and stops workers, by the settings; `otherwise` where these say nothing. */
export function provisionerOf(
  options: WorkerProcessesOptions,
  otherwise: ProvisionerKind,
): Provisioner {
  const kind = options.config.scaling.provisioner ?? otherwise;
  return kind === "process" ? workerProcesses(options) : new NoProvisioner();
}
