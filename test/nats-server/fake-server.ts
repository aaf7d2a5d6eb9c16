import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A script that answers `--version` like a nats-server, or, with `code` 1, fails like a wrong libc. */
export async function writeFakeServer(
  file: string,
  version: string,
  { code = 0 } = {},
): Promise<string> {
  await writeFile(file, `#!/bin/sh\necho "nats-server: v${version}"\nexit ${code}\n`);
  await chmod(file, 0o755);
  return file;
}

export const fakeServerIn = (directory: string, version: string) =>
  writeFakeServer(join(directory, "nats-server"), version);
