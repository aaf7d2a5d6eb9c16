import { type ChildProcess, spawn } from "node:child_process";
import { argumentsFor, type FlagValues } from "../flags.ts";
import { KeptProcess } from "./kept-process.ts";

export interface WorkerChildrenOptions {
  readonly ids: readonly string[];
  readonly natsUrl: string;
  /** The flags of this command, of which workers get theirs. */
  readonly values: FlagValues;
  readonly say: (line: string) => void;
  /** Of all workers none is left. */
  readonly onNoneLeft: () => void;
}

/** The worker processes of `batuta dev`. They end when this process ends, however that ends. */
export interface WorkerChildren {
  start(): void;
  stop(graceMs: number): Promise<void>;
  kill(): void;
}

export function workerChildren(options: WorkerChildrenOptions): WorkerChildren {
  const { ids, say } = options;
  let left = ids.length;
  const onGaveUp = () => {
    left -= 1;
    if (left === 0) options.onNoneLeft();
  };
  const children = ids.map((id) => {
    const spawnIt = () => spawnWorker(workerArguments(id, options));
    return new KeptProcess({ name: `worker ${id}`, spawn: spawnIt, say, onGaveUp });
  });
  return {
    start: () => children.forEach((child) => void child.start()),
    stop: async (graceMs) => void (await Promise.all(children.map((child) => child.stop(graceMs)))),
    kill: () => children.forEach((child) => void child.kill()),
  };
}

/** The command line of one worker; its environment is inherited. */
export function workerArguments(
  id: string,
  { natsUrl, values }: Pick<WorkerChildrenOptions, "natsUrl" | "values">,
): readonly string[] {
  const { slots, pool, labels, drainTimeout, prefix, logLevel, logFormat } = values;
  const own = { slots, pool, labels, drainTimeout, prefix, logLevel, logFormat };
  return ["worker", "--lifeline", ...argumentsFor({ ...own, id, url: natsUrl })];
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
