import { setTimeout as delay } from "node:timers/promises";
import { isRunning, type ProcessIdentity } from "./process-identity.ts";

/** How long a server may take to end after SIGTERM. */
const STOP_GRACE_MS = 10_000;

/**
 * SIGTERM, and SIGKILL when it still runs after the grace time. Signals only that very process,
 * never another one that got its pid. Resolves when it is gone.
 */
export async function stopProcess(
  identity: ProcessIdentity,
  graceMs = STOP_GRACE_MS,
): Promise<void> {
  await sendSignal(identity, "SIGTERM");
  const until = Date.now() + graceMs;
  for (let killed = false; await isRunning(identity); await delay(20)) {
    if (killed || Date.now() < until) continue;
    await sendSignal(identity, "SIGKILL");
    killed = true;
  }
}

/** @returns false when that process is gone. */
async function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isRunning(identity))) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}
