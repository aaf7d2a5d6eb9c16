import { readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { runCommand } from "./run-command.ts";

/**
 * One process for all time. A pid alone is reused, at once so in containers, where the same program
 * gets the same pid at each start; boot and start time tell them apart.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly bootId: string;
  readonly startedAt: string;
}

/** @returns undefined when there is no such process (a zombie counts as none). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const startedAt = process.platform === "linux" ? await linuxStart(pid) : await psStart(pid);
  return startedAt === undefined ? undefined : { pid, bootId: await bootId(), startedAt };
}

/** Whether that very process still runs. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const now = await identify(identity.pid);
  return now?.bootId === identity.bootId && now.startedAt === identity.startedAt;
}

/** The name of the program that a process runs, undefined when it cannot be told. */
export async function programOf(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    // Of a process that has ended, or of somebody else: `ps` may know.
    const link = await readlink(`/proc/${pid}/exe`).catch(() => undefined);
    if (link !== undefined) return basename(link.replace(/ \(deleted\)$/, ""));
  }
  const { code, stdout } = await runCommand("ps", ["-o", "comm=", "-p", String(pid)]);
  return code === 0 ? basename(stdout.trim()) : undefined;
}

/** Changes at each boot of the machine; empty where the system does not tell. */
async function bootId(): Promise<string> {
  const id = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return id.trim();
}

/** Field 22 of /proc/<pid>/stat; the name in field 2 may hold blanks and brackets. */
async function linuxStart(pid: number): Promise<string | undefined> {
  // There is none once the process has ended, which is what undefined says.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields ?? [];
  return state === "Z" || state === "X" ? undefined : fields?.[19];
}

async function psStart(pid: number): Promise<string | undefined> {
  const { code, stdout } = await runCommand("ps", ["-o", "stat=,lstart=", "-p", String(pid)]);
  const line = stdout.trim();
  if (code !== 0 || line === "" || line.startsWith("Z")) return undefined;
  return line.replace(/^\S+\s+/, "");
}
