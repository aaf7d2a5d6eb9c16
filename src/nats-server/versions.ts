import { isAtLeast } from "../domain/server-version.ts";

/** Older servers work (from 2.9.10) but miss fixes for lost work and authorization; users are told. */
const RECOMMENDED_VERSION = "2.14.0";

/** The first version that knows `sync_interval`, which strict durability needs. */
export const STRICT_DURABILITY_VERSION = "2.10.0";

/** The lines that can be installed: `newest` is for everyone, `2.9` is the floor that the tests run. */
export const SERVER_LINES = ["newest", "2.9"] as const;
export type ServerLine = (typeof SERVER_LINES)[number];

/** Where one line comes from. `suites` are Debian's, tried in this order until one runs here. */
export interface LineSource {
  readonly release: string;
  readonly suites: readonly string[];
}

export const LINE_SOURCES: Readonly<Record<ServerLine, LineSource>> = {
  newest: { release: "2.15.0", suites: ["sid", "testing", "stable", "oldstable"] },
  "2.9": { release: "2.9.10", suites: ["bookworm"] },
};

/**
 * SHA-256 of `nats-server-v<version>-<os>-<arch>.tar.gz`, by version and `<os>-<arch>`. The Linux
 * digests are those in the Dockerfiles of nats-io/nats-docker (2.15.x and 2.9.10), the macOS ones
 * were published by others from the release's SHA256SUMS. A platform that is not listed is checked
 * against the SHA256SUMS beside the release, and told so.
 */
export const RELEASE_SHA256: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "2.15.0": {
    "linux-amd64": "5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92",
    "linux-arm64": "cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112",
    "linux-arm7": "ec5f4689d017e07cfa18442e10da051c0f3f9dd2e7f4dc7cdb55a11f1303c952",
    "linux-s390x": "ac50bf4adc8fa6db575ed9293417b6fbec746e71cc9d360aea5cd447e4207bfc",
    "linux-ppc64le": "a402bf73f91f674735cc85aa0e7d06d5dfa3044b98cda6ea9937cfee4e05a266",
    "darwin-amd64": "5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95",
    "darwin-arm64": "e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8",
  },
  "2.9.10": {
    "linux-amd64": "1dc0829c9cddbc9474a768853d464bd8b32cdaa51f66633825a20462b36071c8",
    "linux-arm64": "6e1378b40ff5b70fa664c885d5dad88daf0d6040d48c864e0e92a3f19565613a",
    "linux-arm7": "7eb3de1f7c1aa437b0b92f7caec3206739a28fe3fec8e335b13cad6570ee7ca5",
    "darwin-amd64": "4c8913b6e9dcffe6abd47cc1047601d87aa96a2c0cfabd5a2d7502bb60684f49",
    "darwin-arm64": "2898df4f9ad0db4784dbbefe7266e1dd05023fa05908cf227c60e1bce7dc4521",
  },
};

const GO_ARCH: Readonly<Record<string, string>> = { x64: "amd64", arm: "arm7", ppc64: "ppc64le" };

/** The `<os>-<arch>` of a release asset for Node's `process.platform` and `process.arch`. */
export function releasePlatform(platform: string, arch: string): string {
  return `${platform}-${GO_ARCH[arch] ?? arch}`;
}

/** What to tell about a server that is older than recommended, undefined when there is nothing to tell. */
export function ageWarning(version: string): string | undefined {
  if (isAtLeast(version, RECOMMENDED_VERSION)) return undefined;
  return `nats-server ${version} is older than ${RECOMMENDED_VERSION}: it works, but it lacks fixes for lost messages and authorization; use a newer one in production`;
}
