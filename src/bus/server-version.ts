/** A nats-server version as comparable numbers; what cannot be read counts as 0.0.0. */
export type ServerVersion = readonly [major: number, minor: number, patch: number];

export function parseServerVersion(text: string): ServerVersion {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0), Number(patch ?? 0)];
}

export function isAtLeast(version: ServerVersion, wanted: ServerVersion): boolean {
  for (const index of [0, 1, 2] as const) {
    if (version[index] !== wanted[index]) return version[index] > wanted[index];
  }
  return true;
}

/** Works from here on (research/nats.md 0.2). */
export const OLDEST_SERVER: ServerVersion = [2, 9, 10];
/** Recommended from here on; older ones have known security and data bugs. */
export const RECOMMENDED_SERVER: ServerVersion = [2, 14, 0];

/**
 * What this server can do. Old servers accept newer settings and silently drop them
 * (research/nats.md 1.1), so every feature is decided by version before it is asked for.
 */
export interface ServerFeatures {
  readonly streamMetadata: boolean;
  readonly terminateWithReason: boolean;
  readonly messageTtl: boolean;
}

export function featuresOf(version: ServerVersion): ServerFeatures {
  return {
    streamMetadata: isAtLeast(version, [2, 10, 0]),
    terminateWithReason: isAtLeast(version, [2, 10, 4]),
    messageTtl: isAtLeast(version, [2, 11, 0]),
  };
}
