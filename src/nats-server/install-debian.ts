import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Apt, openApt } from "./apt.ts";
import { probeBinary } from "./binary.ts";
import type { InstallContext, InstallOutcome, InstallStep } from "./install-step.ts";

/**
 * The package `nats-server` of the machine's own Debian mirror, from the first of the suites whose
 * binary runs here. apt works on lists, sources and a cache of its own inside the staging folder:
 * the machine's are not touched, nothing is installed, and no root is needed.
 */
export const installDebian: InstallStep = async (context) => {
  const apt = await openApt(join(context.staging, "apt"), context.run);
  if (apt === undefined) return { passed: "this machine has no apt-get with a Debian mirror" };
  const passed: string[] = [];
  for (const suite of context.source.suites) {
    const outcome = await fromSuite(suite, apt, context);
    if ("binary" in outcome) return outcome;
    context.say(outcome.passed);
    passed.push(outcome.passed);
  }
  return { passed: passed.join("; ") };
};

async function fromSuite(
  suite: string,
  apt: Apt,
  context: InstallContext,
): Promise<InstallOutcome> {
  const { staging, run, say } = context;
  say(`looking for the package nats-server in Debian ${suite}, on this machine's own mirror`);
  const work = join(staging, "apt", suite);
  await mkdir(work, { recursive: true });
  const deb = await apt.download("nats-server", suite, work);
  if ("failed" in deb) return { passed: `Debian ${suite}: ${deb.failed}` };
  const unpacked = await run("dpkg", ["-x", deb.file, join(work, "root")]);
  if (unpacked.code !== 0) return { passed: `Debian ${suite}: ${unpacked.stderr.trim()}` };
  const binary = join(staging, "nats-server");
  await copyFile(await binaryIn(join(work, "root", "usr")), binary);
  await rm(work, { recursive: true, force: true });
  if ((await probeBinary(binary, run)) !== undefined) {
    return { binary, source: `Debian package nats-server ${deb.version} (${suite})` };
  }
  return {
    passed: `Debian ${suite}: nats-server ${deb.version} does not run here (an older libc)`,
  };
}

async function binaryIn(usr: string): Promise<string> {
  const sbin = await readdir(join(usr, "sbin")).catch(() => [] as string[]);
  return join(usr, sbin.includes("nats-server") ? "sbin" : "bin", "nats-server");
}
