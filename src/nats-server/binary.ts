import { type RunCommand, runCommand } from "./run-command.ts";

/** A nats-server that ran here and told its version. */
export interface ServerBinary {
  readonly path: string;
  readonly version: string;
}

/**
 * Runs `<path> --version`: the one proof that a binary fits this machine's libc and processor.
 * Undefined when it does not run or does not answer like a nats-server.
 */
export async function probeBinary(
  path: string,
  run: RunCommand = runCommand,
): Promise<ServerBinary | undefined> {
  const { code, stdout } = await run(path, ["--version"], { timeoutMs: 10_000 });
  const version = /^nats-server: v?(\d+\.\d+\.\d+\S*)/m.exec(stdout)?.[1];
  return code === 0 && version !== undefined ? { path, version } : undefined;
}
