import { kubernetesService } from "../../config/kubernetes-service.ts";
import { ConfigError } from "../../domain/errors.ts";
import type { ProvisionerKind } from "../../domain/provisioning.ts";
import { NoProvisioner } from "../../provisioners/none.ts";
import type { Provisioner } from "../../provisioners/provisioner.ts";
import { type WorkerProcessesOptions, workerProcesses } from "./worker-processes.ts";

export interface ProvisionerOptions extends WorkerProcessesOptions {
  /** Workers stay when this process ends, where they can: other orchestrators go on with them. */
  readonly outlive: boolean;
}

/**
 * What starts and stops workers, by the settings; `otherwise` where these say nothing.
 *
 * @throws ConfigError when the settings cannot work together.
 */
export async function provisionerOf(
  options: ProvisionerOptions,
  otherwise: ProvisionerKind,
): Promise<Provisioner> {
  const kind = options.config.scaling.provisioner ?? otherwise;
  if (kind === "process") return workerProcesses(options);
  if (kind === "docker") {
    const { workerContainers } = await import("./worker-containers.ts");
    return workerContainers(options);
  }
  if (kind === "kubernetes") return deploymentPods(options);
  if (kind === "keda") return new (await import("../../provisioners/keda.ts")).KedaProvisioner();
  return new NoProvisioner();
}

const NO_POD =
  "BATUTA_SCALING_PROVISIONER is kubernetes, but this is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set. Run the orchestrator inside the cluster (deploy/kubernetes)";

/** Their settings are those of the Deployment: deploy/kubernetes. */
async function deploymentPods({ config, say }: WorkerProcessesOptions): Promise<Provisioner> {
  const service = kubernetesService();
  if (service === undefined) throw new ConfigError(NO_POD);
  const { KubernetesProvisioner } = await import("../../provisioners/kubernetes.ts");
  const { inClusterAccess } = await import("../../provisioners/kubernetes-credentials.ts");
  const { k8sDeployment, k8sNamespace, maxWorkers } = config.scaling;
  return new KubernetesProvisioner({
    access: inClusterAccess(service),
    deployment: k8sDeployment,
    namespace: k8sNamespace,
    maxWorkers,
    say,
    now: Date.now,
  });
}
