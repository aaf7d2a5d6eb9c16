import { expect, test } from "vitest";
import { compareVersions } from "../../src/domain/server-version.ts";
import {
  ageWarning,
  LINE_SOURCES,
  RELEASE_SHA256,
  releasePlatform,
  SERVER_LINES,
} from "../../src/nats-server/versions.ts";

test("versions are compared number by number", () => {
  const versions = ["2.10.27", "2.9.10", "v2.15.1", "2.9.9", "2.15.0-RC.1"];
  expect(versions.sort(compareVersions)).toEqual([
    "2.9.9",
    "2.9.10",
    "2.10.27",
    "2.15.0-RC.1",
    "v2.15.1",
  ]);
});

test("a server older than 2.14 is told so, a newer one is not", () => {
  expect(ageWarning("2.9.10")).toContain("2.9.10 is older than 2.14.0");
  expect(ageWarning("2.15.1")).toBeUndefined();
});

test.each(SERVER_LINES)(
  "the release of line %s has a pinned digest on the usual platforms",
  (line) => {
    const pinned = RELEASE_SHA256[LINE_SOURCES[line].release];
    for (const platform of ["linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"]) {
      expect(pinned?.[platform]).toMatch(/^[0-9a-f]{64}$/);
    }
  },
);

test("platforms have the names of the release's assets", () => {
  expect(releasePlatform("linux", "x64")).toBe("linux-amd64");
  expect(releasePlatform("darwin", "arm64")).toBe("darwin-arm64");
  expect(releasePlatform("linux", "arm")).toBe("linux-arm7");
});
