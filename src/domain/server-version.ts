/** Negative when `a` is older than `b`, 0 when they are the same release, positive when newer. */
export function compareVersions(a: string, b: string): number {
  const left = numbers(a);
  const right = numbers(b);
  return left.major - right.major || left.minor - right.minor || left.patch - right.patch;
}

/** Whether a nats-server version is that release or newer; what cannot be read counts as 0.0.0. */
export function isAtLeast(version: string, floor: string): boolean {
  return compareVersions(version, floor) >= 0;
}

function numbers(version: string) {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return { major: Number(major ?? 0), minor: Number(minor ?? 0), patch: Number(patch ?? 0) };
}
