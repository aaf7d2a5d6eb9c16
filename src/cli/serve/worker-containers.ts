import { createHash } from "node:crypto";
import { explainConfig, withoutPasswords } from "../../config/explain.ts";
import { ConfigError } from "../../domain/errors.ts";
import { isLoopbackHost } from "../../http/guards.ts";
import { DockerProvisioner, type DockerProvisionerOptions } from "../../provisioners/docker.ts";
import { settingsOf } from "../flags.ts";
import type { ProvisionerOptions } from "./provisioner-of.ts";

/** Workers as containers: the provisioner `docker`. */
export function workerContainers(options: ProvisionerOptions): DockerProvisioner {
  return new DockerProvisioner(containerOptions(options));
}

/** @throws ConfigError when containers could not reach the NATS server. */
export function containerOptions(options: ProvisionerOptions): DockerProvisionerOptions {
  const { config, baseId, say, outlive } = options;
  const { dockerImage, dockerSocket, dockerNetwork, dockerNatsUrl } = config.scaling;
  const natsUrl = dockerNatsUrl ?? options.natsUrl;
  if (dockerNetwork !== "host") refuseLoopback(natsUrl);
  return {
    socketPath: dockerSocket,
    image: dockerImage,
    network: dockerNetwork,
    env: { ...workerSettings(options), BATUTA_NATS_URL: natsUrl },
    marks: {
      "io.batuta.prefix": config.nats.subjectPrefix,
      "io.batuta.pool": config.worker.pool,
      "io.batuta.bus": busMark(natsUrl, dockerNetwork),
    },
    baseId,
    drainMs: config.worker.drainTimeoutMs,
    onClose: outlive ? "leave" : "drain",
    say,
    now: Date.now,
  };
}

/** Of the settings that were given those that a worker reads; its defaults are its own. */
function workerSettings({ values }: Pick<ProvisionerOptions, "values">): Record<string, string> {
  const { settings } = explainConfig({ flags: settingsOf(values) });
  const given = settings.filter(({ path, source }) => source !== "default" && isForWorkers(path));
  return Object.fromEntries(given.map(({ name, value }) => [name, value]));
}

function isForWorkers(path: string): boolean {
  if (path === "worker.id") return false;
  return path === "nats.subjectPrefix" || /^(worker|process|log)\./.test(path);
}

/**
 * Tells the workers of two Batutas on one engine apart that have the same prefix and pool: the same
 * address in another network is another server.
 */
function busMark(natsUrl: string, network = ""): string {
  const text = JSON.stringify([withoutPasswords(natsUrl), network]);
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

function refuseLoopback(natsUrl: string): void {
  const local = natsUrl.split(",").find((server) => isLoopbackHost(hostOf(server)));
  if (local === undefined) return;
  throw new ConfigError(
    `${withoutPasswords(local)} is this machine alone, and a container is another one: set ` +
      "BATUTA_SCALING_DOCKER_NATS_URL to the address that containers reach, or BATUTA_SCALING_DOCKER_NETWORK=host",
  );
}

function hostOf(server: string): string {
  const withScheme = server.includes("://") ? server : `nats://${server}`;
  return new URL(withScheme).hostname.replace(/^\[(.*)\]$/, "$1");
}
