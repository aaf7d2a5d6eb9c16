import { type ChildProcess, spawn } from "node:child_process";
import type { Config } from "../../config/variables.ts";
import { PROVISIONER_LABEL } from "../../domain/provisioning.ts";
import { ProcessProvisioner } from "../../provisioners/process.ts";
import { argumentsFor, type FlagValues } from "../flags.ts";

export interface WorkerProcessesOptions {
  readonly config: Config;
  readonly natsUrl: string;
  /** The flags of this command, of which workers get theirs. Their environment is inherited. */
  readonly values: FlagValues;
  /** Of the ids: `worker` gives worker-1, worker-2, ... */
  readonly baseId: string;
  /** One line for people. */
  readonly say: (line: string) => void;
}

/** Workers as child processes of this one: the provisioner `process`. */
export function workerProcesses(options: WorkerProcessesOptions): ProcessProvisioner {
  const { config, baseId, say } = options;
  return new ProcessProvisioner({
    spawn: (workerId) => spawnWorker(workerArguments(workerId, options)),
    baseId,
    drainMs: config.worker.drainTimeoutMs,
    say,
    now: Date.now,
  });
}

/** The command line of one worker. */
export function workerArguments(
  id: string,
  { config, natsUrl, values }: Pick<WorkerProcessesOptions, "config" | "natsUrl" | "values">,
): readonly string[] {
  const { slots, pool, drainTimeout, prefix, logLevel, logFormat } = values;
  const labels = { ...config.worker.labels, [PROVISIONER_LABEL]: "process" };
  const own = { slots, pool, drainTimeout, prefix, logLevel, logFormat };
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const args = argumentsFor({ ...own, id, url: natsUrl, labels: pairs.join(",") });
  return ["worker", "--lifeline", ...args];
}

/**
 * Runs this same program once more. In a process group of its own: Ctrl-C is for us, who stop the
 * workers first. Its standard input is its lifeline.
 */
function spawnWorker(args: readonly string[]): ChildProcess {
  const [program = ""] = process.argv.slice(1, 2);
  const nodeArgs = process.execArgv.filter((arg) => !arg.startsWith("--inspect"));
  const child = spawn(process.execPath, [...nodeArgs, program, ...args], {
    detached: true,
    stdio: ["pipe", 2, 2],
  });
  child.stdin?.on("error", () => {});
  return child;
}
