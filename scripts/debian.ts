import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** How long installing a package may take. */
export const INSTALL_MS = 600_000;

/** The first of these programs that is on PATH or in one of `folders`. */
export function findProgram(
  names: readonly string[],
  folders: readonly string[] = [],
): string | undefined {
  const all = [...(process.env.PATH ?? "").split(delimiter), ...folders];
  return names.flatMap((name) => all.map((folder) => join(folder, name))).find(isProgram);
}

/**
 * Installs packages of Debian, unless `isThere` says that somebody else has meanwhile: test files run side
 * by side, and apt does not.
 *
 * @throws Error that says what to do where they cannot be installed.
 */
export async function installOnce(
  packages: readonly string[],
  isThere: () => boolean,
): Promise<void> {
  const lock = join(tmpdir(), "batuta-install.lock");
  const lateAt = Date.now() + INSTALL_MS;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      await pause(1_000);
      if (isThere()) return;
      // A lock of a run that was killed is not waited for for ever.
      if (Date.now() > lateAt) rmSync(lock, { recursive: true, force: true });
    }
  }
  try {
    if (!isThere()) install(packages);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function install(packages: readonly string[]): void {
  const names = packages.join(" ");
  process.stderr.write(`not on this machine: installing Debian's ${names}\n`);
  if (process.getuid?.() !== 0) throw new Error(`install ${names} first: this is not root`);
  apt("update");
  apt("install", "-y", "--no-install-recommends", ...packages);
}

function apt(...args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stderr } = spawnSync("apt-get", ["-qq", ...args], { env, encoding: "utf8" });
  if (status === 0) return;
  throw new Error(`apt-get ${args.join(" ")} failed: ${(stderr ?? "").slice(-500)}`);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
