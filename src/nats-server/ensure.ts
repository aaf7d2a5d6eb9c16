import { type InstallOptions, installNatsServer } from "./install.ts";
import { findNatsServer, type ResolvedServer, type ResolveValues } from "./resolve.ts";

/**
 * As `findNatsServer`, and installs the newest server when there is none: what `dev`, `demo` and
 * `nats start` do at their first use. `onProgress` hears of that.
 */
export async function ensureNatsServer(
  values: ResolveValues,
  options: Pick<InstallOptions, "onProgress" | "run" | "steps"> = {},
): Promise<ResolvedServer> {
  const found = await findNatsServer(values, options.run);
  if (found !== undefined) return found;
  const { cacheDir } = values;
  options.onProgress?.(`no nats-server on this machine: installing one into ${cacheDir}`);
  const { path, version } = await installNatsServer({ ...options, cacheDir });
  return { kind: "binary", path, version, from: "cache" };
}
