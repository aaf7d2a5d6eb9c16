import { access, mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { CommandResult, RunCommand } from "./run-command.ts";

const DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** apt-get with lists, sources and cache of its own. */
export interface Apt {
  /** Fetches the newest package of that name in a suite into a folder; apt checks its signature. */
  download(
    name: string,
    suite: string,
    into: string,
  ): Promise<{ readonly file: string; readonly version: string } | { readonly failed: string }>;
}

/** Undefined where there is no apt-get or its sources name no Debian mirror. */
export async function openApt(directory: string, run: RunCommand): Promise<Apt | undefined> {
  const lists = join(directory, "no-lists");
  await mkdir(join(lists, "partial"), { recursive: true });
  const listed = await run("apt-get", [
    "-o",
    `Dir::State::lists=${lists}`,
    "update",
    "--print-uris",
  ]);
  const mirrors = debianMirrors(listed.stdout);
  if (listed.code !== 0 || mirrors.length === 0) return undefined;
  const signedBy = await access(DEBIAN_KEYRING).then(
    () => `[signed-by=${DEBIAN_KEYRING}] `,
    () => "",
  );
  return {
    async download(name, suite, into) {
      let failed = "no mirror";
      for (const mirror of mirrors) {
        const options = await privateOptions(into, `deb ${signedBy}${mirror} ${suite} main\n`);
        const updated = await run("apt-get", [...options, "update"]);
        failed = complaint(updated);
        if (updated.code !== 0) continue;
        const fetched = await run("apt-get", [...options, "download", name], { cwd: into });
        const deb = (await readdir(into)).find((file) => file.endsWith(".deb"));
        if (fetched.code === 0 && deb !== undefined) {
          return { file: join(into, deb), version: versionIn(deb) };
        }
        failed = complaint(fetched);
      }
      return { failed };
    },
  };
}

/**
 * The mirrors in what `apt-get update --print-uris` prints, whichever form the machine's sources
 * have. Security archives are left out; those called "debian" come first, at most three in all.
 */
export function debianMirrors(printedUris: string): readonly string[] {
  const found = [...printedUris.matchAll(/^'(\S+)\/dists\/([^/']+)\/(?:In)?Release/gm)]
    .filter(([, base = "", suite = ""]) => !/security/.test(`${base} ${suite}`))
    .map(([, base = ""]) => decodeURI(base));
  const rank = (base: string) => (basename(base) === "debian" ? 0 : 1);
  return [...new Set(found)].sort((a, b) => rank(a) - rank(b)).slice(0, 3);
}

/** Options that keep apt inside one folder. The cache files are off: they would take 100 MB. */
async function privateOptions(directory: string, source: string): Promise<readonly string[]> {
  const [state, cache, etc] = ["state", "cache", "etc"].map((name) => join(directory, name));
  await mkdir(join(`${state}`, "lists", "partial"), { recursive: true });
  await mkdir(join(`${cache}`, "archives", "partial"), { recursive: true });
  await mkdir(join(`${etc}`, "preferences.d"), { recursive: true });
  await writeFile(join(`${etc}`, "sources.list"), source);
  const options = {
    "Dir::State::lists": join(`${state}`, "lists"),
    "Dir::Cache": cache,
    "Dir::Cache::pkgcache": "",
    "Dir::Cache::srcpkgcache": "",
    "Dir::Etc::sourcelist": join(`${etc}`, "sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": join(`${etc}`, "preferences.d"),
    "APT::Sandbox::User": "root",
    "APT::Default-Release": "",
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
  };
  return Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/** The first error line of apt, without its "E: ". */
function complaint({ stderr, code }: CommandResult): string {
  const line = stderr.split("\n").find((each) => each.startsWith("E:"));
  return line?.slice(3) ?? (stderr.trim() || `apt-get ended with code ${code}`);
}

/** "2.15.1-1" of "nats-server_2.15.1-1_amd64.deb"; an epoch is written as %3a. */
function versionIn(deb: string): string {
  return decodeURIComponent(deb.split("_")[1] ?? "");
}
