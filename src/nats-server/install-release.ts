import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import type { InstallContext, InstallOutcome, InstallStep } from "./install-step.ts";
import { RELEASE_SHA256, releasePlatform } from "./versions.ts";

const HOST = "github.com";
const CONNECT_TIMEOUT_MS = 3_000;
const DOWNLOAD_TIMEOUT_MS = 300_000;

/** The network, as a port: tests stand in for the release's host. */
export interface ReleaseHost {
  /** Whether it answers within 3 s. */
  answers(): Promise<boolean>;
  /** Undefined for any answer but 200 and any failure. */
  download(path: string): Promise<Uint8Array | undefined>;
}

/**
 * The official release, verified before it is unpacked: by the digest pinned in this repository,
 * or else by the SHA256SUMS beside it.
 */
export function releaseStep(host: ReleaseHost): InstallStep {
  return async (context) => {
    if (!(await host.answers())) return { passed: `${HOST} cannot be reached` };
    const { release } = context.source;
    const platform = releasePlatform(process.platform, process.arch);
    const asset = `nats-server-v${release}-${platform}`;
    const folder = `/nats-io/nats-server/releases/download/v${release}`;
    context.say(`downloading ${asset}.tar.gz from the official release`);
    const archive = await host.download(`${folder}/${asset}.tar.gz`);
    if (archive === undefined) return { passed: `${asset}.tar.gz cannot be downloaded` };
    const pinned = RELEASE_SHA256[release]?.[platform];
    const sums = pinned === undefined ? await host.download(`${folder}/SHA256SUMS`) : undefined;
    const listed = digestIn(new TextDecoder().decode(sums), `${asset}.tar.gz`);
    const wrong = mismatch(archive, pinned ?? listed);
    if (wrong !== undefined) return { passed: `${asset}.tar.gz ${wrong}: not used` };
    context.say(
      pinned === undefined
        ? "no SHA-256 is pinned for this platform: checked against the release's own SHA256SUMS"
        : "its SHA-256 is the pinned one",
    );
    return unpack(archive, asset, context);
  };
}

async function unpack(
  archive: Uint8Array,
  asset: string,
  { staging, run }: InstallContext,
): Promise<InstallOutcome> {
  const file = join(staging, "release.tar.gz");
  await writeFile(file, archive);
  const member = `${asset}/nats-server`;
  const tar = await run("tar", ["-xzf", file, "-C", staging, "--strip-components=1", member]);
  if (tar.code !== 0) return { passed: `tar cannot unpack ${asset}.tar.gz: ${tar.stderr.trim()}` };
  return { binary: join(staging, "nats-server"), source: `official release ${asset}` };
}

function mismatch(archive: Uint8Array, expected: string | undefined): string | undefined {
  const digest = createHash("sha256").update(archive).digest("hex");
  if (digest === expected) return undefined;
  return `has SHA-256 ${digest}, expected ${expected ?? "one in the release's SHA256SUMS"}`;
}

/** The digest of a file in a SHA256SUMS text, undefined when it is not listed. */
export function digestIn(sums: string, file: string): string | undefined {
  const line = sums.split(/\r?\n/).find((each) => each.split(/\s+\*?/)[1] === file);
  return line?.split(/\s+/)[0]?.toLowerCase();
}

const github: ReleaseHost = {
  async answers() {
    const socket = connect({ host: HOST, port: 443, servername: HOST });
    try {
      await once(socket, "secureConnect", { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
      return true;
    } catch {
      return false;
    } finally {
      socket.on("error", () => {}).destroy();
    }
  },
  async download(path) {
    try {
      const signal = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
      const response = await fetch(`https://${HOST}${path}`, { signal });
      return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
    } catch {
      return undefined;
    }
  },
};

export const installRelease = releaseStep(github);
