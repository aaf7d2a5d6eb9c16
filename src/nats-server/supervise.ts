import { setTimeout as delay } from "node:timers/promises";
import { UnreachableError } from "../domain/errors.ts";
import { type LaunchedServer, type LaunchSpec, launchServer, type ServerExit } from "./launch.ts";
import { decideRestart, RESTART_POLICY, type RestartPolicy } from "./restart-policy.ts";
import { stopProcess } from "./stop-process.ts";

export interface ServerRestart {
  readonly pid: number;
  /** How the run before ended. */
  readonly exit: ServerExit;
  /** How often it was started again since its first start. */
  readonly restarts: number;
}

export interface SupervisedServer {
  /** The latest run; its port never changes. */
  current(): LaunchedServer;
  /** Calls back after each restart, once the server is ready again. Returns how to end that. */
  onRestart(listener: (restart: ServerRestart) => void): () => void;
  /** Calls back once when no server runs any more: with an error, unless it was asked to stop. */
  onExit(listener: (error: Error | undefined) => void): () => void;
  /** Resolves when the server is gone. Does nothing when called again. */
  stop(): Promise<void>;
}

/** Starts a server and starts it again, on the same port, when it crashes; gives up by the policy. */
export async function superviseServer(
  spec: LaunchSpec,
  policy: RestartPolicy = RESTART_POLICY,
): Promise<SupervisedServer> {
  const restartListeners = new Set<(restart: ServerRestart) => void>();
  const exitListeners = new Set<(error: Error | undefined) => void>();
  const stopping = new AbortController();
  let current = await launchServer(spec);
  const { port } = current;
  const ended = keepRunning(current, {
    launch: () => launchServer({ ...spec, port }),
    policy,
    signal: stopping.signal,
    restarted(server, exit, restarts) {
      current = server;
      for (const tell of restartListeners) tell({ pid: server.identity.pid, exit, restarts });
    },
  }).then((error) => {
    for (const tell of exitListeners) tell(error);
  });
  return {
    current: () => current,
    onRestart: (listener) => subscribe(restartListeners, listener),
    onExit: (listener) => subscribe(exitListeners, listener),
    async stop() {
      stopping.abort();
      await stopProcess(current.identity);
      await ended;
    },
  };
}

interface Keeper {
  readonly launch: () => Promise<LaunchedServer>;
  readonly policy: RestartPolicy;
  readonly signal: AbortSignal;
  readonly restarted: (server: LaunchedServer, exit: ServerExit, restarts: number) => void;
}

/** Resolves with why no server runs any more: undefined when it was stopped. */
async function keepRunning(first: LaunchedServer, keeper: Keeper): Promise<Error | undefined> {
  const crashes: number[] = [];
  for (let server = first, restarts = 1; ; restarts++) {
    const exit = await server.exited;
    const next = await restart(crashes, keeper);
    if (next === undefined || next instanceof Error) return next;
    server = next;
    if (keeper.signal.aborted) await stopProcess(server.identity);
    else keeper.restarted(server, exit, restarts);
  }
}

/** The next run, or an error when the policy gives up, or undefined when it was stopped meanwhile. */
async function restart(
  crashes: number[],
  { launch, policy, signal }: Keeper,
): Promise<LaunchedServer | Error | undefined> {
  for (let cause: unknown; ; ) {
    if (signal.aborted) return undefined;
    crashes.push(Date.now());
    const decision = decideRestart(crashes, Date.now(), policy);
    if (decision.type === "give-up") return gaveUp(decision.crashes, policy, cause);
    // It rejects when the server is being stopped, which is looked at next.
    await delay(decision.delayMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return undefined;
    try {
      return await launch();
    } catch (error) {
      cause = error;
    }
  }
}

function gaveUp(crashes: number, policy: RestartPolicy, cause: unknown): Error {
  const window = `${policy.withinMs / 1000} s`;
  return new UnreachableError(
    `nats-server crashed ${crashes} times in ${window} and is not started again`,
    { cause },
  );
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
