import type { RunCommand } from "./run-command.ts";
import type { LineSource } from "./versions.ts";

export interface InstallContext {
  /** A folder of this installation alone, on the file system of the cache. */
  readonly staging: string;
  readonly source: LineSource;
  readonly run: RunCommand;
  /** One line of progress for people. */
  readonly say: (line: string) => void;
}

/** A binary that was put into the staging folder, or why this way was passed by. */
export type InstallOutcome =
  | { readonly binary: string; readonly source: string }
  | { readonly passed: string };

/** One way to get a nats-server. Rejects only for what no other way would mend, like a full disk. */
export type InstallStep = (context: InstallContext) => Promise<InstallOutcome>;
