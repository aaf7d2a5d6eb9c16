import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ProvisionError } from "./provisioner.ts";

/** Where Kubernetes puts what a pod needs to call its API server. */
const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

/** How the API server is called, as of now. */
export interface KubernetesAccess {
  /** Such as https://10.0.0.1:443. */
  readonly url: string;
  readonly token: string | undefined;
  /** Who signs the server's certificate, in PEM. */
  readonly ca: string | undefined;
  /** Of the pod itself. */
  readonly namespace: string;
}

/** Asked before every call: the token is replaced about once an hour, and the old one ends. */
export type AccessSource = () => Promise<KubernetesAccess>;

/** Where the API server is, by the environment of a pod. */
export interface KubernetesService {
  readonly host: string;
  readonly port: string;
}

/** Access with the ServiceAccount of the pod that this runs in. `directory` is only another one in tests. */
export function inClusterAccess(
  { host, port }: KubernetesService,
  directory = SERVICE_ACCOUNT_DIR,
): AccessSource {
  return async () => {
    const read = (name: string) => readMounted(join(directory, name));
    const [token, ca, namespace] = await Promise.all([
      read("token"),
      read("ca.crt"),
      read("namespace"),
    ]);
    const name = host.includes(":") ? `[${host}]` : host;
    return { url: `https://${name}:${port}`, token: token.trim(), ca, namespace: namespace.trim() };
  };
}

async function readMounted(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ProvisionError(
      `the credentials of the ServiceAccount cannot be read (${why}); the pod needs automountServiceAccountToken: true`,
      { cause },
    );
  }
}
