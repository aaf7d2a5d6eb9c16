import { PROVISIONER_LABEL } from "../domain/provisioning.ts";
import type { Marks } from "./docker-container.ts";

/** What all workers of a provisioner have in common. */
export interface WorkerContainer {
  /** Its entry point is `batuta`. */
  readonly image: string;
  /** Unset: the engine's default network. */
  readonly network?: string | undefined;
  /** Settings of the workers; their ids and the label of the provisioner are added. */
  readonly env: Readonly<Record<string, string>>;
}

/** The body of the engine's `POST /containers/create`. */
export function containerSpec(
  workerId: string,
  { image, network, env }: WorkerContainer,
  marks: Marks,
  stopSeconds: number,
): object {
  const own = [env.BATUTA_WORKER_LABELS, `${PROVISIONER_LABEL}=docker`];
  const all = {
    ...env,
    BATUTA_WORKER_ID: workerId,
    BATUTA_WORKER_LABELS: own.filter((label) => label !== undefined && label !== "").join(","),
  };
  return {
    Image: image,
    Cmd: ["worker"],
    Env: Object.entries(all).map(([name, value]) => `${name}=${value}`),
    Labels: marks,
    // For a `docker stop` by hand, which would kill after 10 s.
    StopTimeout: stopSeconds,
    // That of the image asks the HTTP API, which a worker has not got.
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      // No Init: an engine without docker-init, like Debian's, could then start no worker. It is not
      // needed: bin/first-process.js.
      // The supervisor replaces a worker that ends, and knows when that is no use.
      RestartPolicy: { Name: "no" },
      ...(network === undefined ? {} : { NetworkMode: network }),
    },
  };
}
