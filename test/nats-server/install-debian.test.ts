import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { debianMirrors } from "../../src/nats-server/apt.ts";
import { installDebian } from "../../src/nats-server/install-debian.ts";
import { type RunCommand, runCommand } from "../../src/nats-server/run-command.ts";
import { temporaryDir } from "../support/nats.ts";
import { writeFakeServer } from "./fake-server.ts";

const ok = { code: 0, stdout: "", stderr: "" };

/** What apt prints for a machine with one mirror, a security archive and somebody's own archive. */
const PRINTED = `
'http://packages.test/own/dists/stable/InRelease' packages.test_own_dists_stable_InRelease 0
'http://mirror.test/debian/dists/bookworm/InRelease' mirror.test_debian_dists_bookworm_InRelease 0
'http://mirror.test/debian/dists/bookworm-updates/InRelease' x 0
'http://mirror.test/debian-security/dists/bookworm-security/InRelease' x 0
'http://mirror.test/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0
`;

/** apt-get and dpkg of a machine whose libc is too old for everything newer than 2.10. */
function machine(packages: Readonly<Record<string, string>>, commands: string[]): RunCommand {
  let suite = "";
  return async (command, args, options) => {
    commands.push([command, ...args].join(" "));
    if (args.includes("--print-uris")) return { ...ok, stdout: PRINTED };
    if (command === "apt-get" && args.at(-1) === "update") {
      suite = Object.keys(packages).find((name) => args.join(" ").includes(`/apt/${name}/`)) ?? "";
      return suite === "" ? { ...ok, code: 100, stderr: "E: no such suite" } : ok;
    }
    if (command === "apt-get") {
      await writeFile(
        join(options?.cwd as string, `nats-server_${packages[suite]}-1_amd64.deb`),
        "",
      );
      return ok;
    }
    if (command !== "dpkg") return runCommand(command, args, options);
    const bin = join(args.at(-1) as string, "usr", "bin");
    await mkdir(bin, { recursive: true });
    const version = packages[suite] as string;
    const code = version.startsWith("2.10") ? 0 : 1;
    await writeFakeServer(join(bin, "nats-server"), version, { code });
    return ok;
  };
}

async function install(packages: Readonly<Record<string, string>>) {
  const commands: string[] = [];
  const staging = await temporaryDir();
  const suites = ["sid", "testing", "stable"];
  const run = machine(packages, commands);
  const source = { release: "2.15.0", suites };
  const outcome = await installDebian({ staging, source, run, say: () => {} });
  return { outcome, commands, staging };
}

test("a suite whose server does not run here is passed by for the next older one", async () => {
  const { outcome, staging } = await install({ sid: "2.15.1", stable: "2.10.27" });
  expect(outcome).toEqual({
    binary: join(staging, "nats-server"),
    source: "Debian package nats-server 2.10.27-1 (stable)",
  });
});

test("when no suite fits, the reason names each", async () => {
  const { outcome } = await install({ sid: "2.15.1" });
  if ("binary" in outcome) throw new Error("installed");
  expect(outcome.passed).toContain("sid: nats-server 2.15.1-1 does not run here");
  expect(outcome.passed).toContain("testing: no such suite");
});

test("apt is kept away from the machine's own lists, sources and cache", async () => {
  const { commands, staging } = await install({ stable: "2.10.27" });
  const updates = commands.filter(
    (each) => each.startsWith("apt-get") && /(update|download)/.test(each),
  );
  expect(updates.length).toBeGreaterThan(3);
  for (const each of updates) expect(each).toContain(`Dir::State::lists=${staging}/`);
});

test("mirrors are read from what apt itself would fetch, Debian's first, no security archives", () => {
  expect(debianMirrors(PRINTED)).toEqual(["http://mirror.test/debian", "http://packages.test/own"]);
  expect(debianMirrors("")).toEqual([]);
});
