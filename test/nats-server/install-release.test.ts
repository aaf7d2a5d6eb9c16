import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { probeBinary } from "../../src/nats-server/binary.ts";
import { digestIn, type ReleaseHost, releaseStep } from "../../src/nats-server/install-release.ts";
import { runCommand } from "../../src/nats-server/run-command.ts";
import { releasePlatform } from "../../src/nats-server/versions.ts";
import { temporaryDir } from "../support/nats.ts";
import { fakeServerIn } from "./fake-server.ts";

/** A release that nobody pinned, packed as the real ones are. */
async function packedRelease(version: string) {
  const asset = `nats-server-v${version}-${releasePlatform(process.platform, process.arch)}`;
  const root = await temporaryDir();
  await mkdir(join(root, asset));
  await fakeServerIn(join(root, asset), version);
  await runCommand("tar", ["-czf", join(root, "asset.tar.gz"), "-C", root, asset]);
  const archive = await readFile(join(root, "asset.tar.gz"));
  const digest = createHash("sha256").update(archive).digest("hex");
  return { archive, sums: `${"0".repeat(64)}  other.deb\n${digest}  ${asset}.tar.gz\n` };
}

const hostWith = (archive: Uint8Array, sums: string): ReleaseHost => ({
  answers: async () => true,
  download: async (path) => (path.endsWith("SHA256SUMS") ? Buffer.from(sums) : archive),
});

async function context(release: string) {
  const told: string[] = [];
  const say = (line: string) => told.push(line);
  const source = { release, suites: [] };
  return { staging: await temporaryDir(), source, run: runCommand, say, told };
}

test("a platform without a pinned digest is checked against the release's SHA256SUMS, and told so", async () => {
  const { archive, sums } = await packedRelease("3.1.4");
  const { told, ...given } = await context("3.1.4");
  const outcome = await releaseStep(hostWith(archive, sums))(given);
  if ("passed" in outcome) throw new Error(outcome.passed);
  expect(await probeBinary(outcome.binary)).toMatchObject({ version: "3.1.4" });
  expect(told).toContainEqual(expect.stringContaining("no SHA-256 is pinned"));
});

test("an archive that is not the pinned one is not used, whatever SHA256SUMS says", async () => {
  const { archive } = await packedRelease("2.15.0");
  const { told: _told, ...given } = await context("2.15.0");
  const asset = `nats-server-v2.15.0-${releasePlatform(process.platform, process.arch)}.tar.gz`;
  const digest = createHash("sha256").update(archive).digest("hex");
  const outcome = await releaseStep(hostWith(archive, `${digest}  ${asset}\n`))(given);
  expect(outcome).toMatchObject({ passed: expect.stringContaining("not used") });
});

test("a release that SHA256SUMS does not list is not used", async () => {
  const { archive } = await packedRelease("3.1.4");
  const { told: _told, ...given } = await context("3.1.4");
  const outcome = await releaseStep(hostWith(archive, ""))(given);
  expect(outcome).toMatchObject({ passed: expect.stringContaining("not used") });
});

test("an unreachable host is passed by without a download", async () => {
  const { told: _told, ...given } = await context("2.15.0");
  const offline: ReleaseHost = {
    answers: async () => false,
    download: () => Promise.reject(new Error("asked for a download")),
  };
  expect(await releaseStep(offline)(given)).toHaveProperty("passed");
});

test("a digest is found by the whole file name, in both forms of SHA256SUMS", () => {
  const sums = "aa  nats-server.tar.gz.sbom\nBB *nats-server.tar.gz\n";
  expect(digestIn(sums, "nats-server.tar.gz")).toBe("bb");
  expect(digestIn(sums, "nats-server")).toBeUndefined();
});
