import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Cluster } from "./cluster.ts";

const BIN = fileURLToPath(new URL("../../bin/batuta.js", import.meta.url));

export interface Ended {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command on a cluster to its end. */
export function batuta({ env }: Cluster, ...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 30_000 };
    const child = execFile(process.execPath, [BIN, ...args], options, (_, out, err) =>
      resolve({ exitCode: child.exitCode ?? -1, out, err }),
    );
  });
}
