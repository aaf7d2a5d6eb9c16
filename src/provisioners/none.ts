import type { ProvisionedWorker, Provisioner } from "./provisioner.ts";

/** Nobody starts or stops workers here: how many there should be is told, and a person or a script acts. */
export class NoProvisioner implements Provisioner {
  readonly kind: "none" | "keda" = "none";
  readonly advisory = true;

  async list(): Promise<readonly ProvisionedWorker[]> {
    return [];
  }

  async start(): Promise<void> {}

  async retire(): Promise<void> {}

  onExit(): () => void {
    return () => {};
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
