import type { Env } from "./read.ts";

/** Where the API server of the cluster is, as Kubernetes tells each pod; undefined outside of one. */
export function kubernetesService(
  env: Env = process.env,
): { readonly host: string; readonly port: string } | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  return host ? { host, port: port || "443" } : undefined;
}
