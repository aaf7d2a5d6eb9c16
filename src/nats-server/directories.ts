import { mkdir } from "node:fs/promises";
import { ConfigError } from "../domain/errors.ts";

/** @throws ConfigError, naming the directory and what it is for, when it cannot be made. */
export async function makeDirectory(path: string, purpose: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new ConfigError(`${path} cannot be used as ${purpose}: ${reason}`, { cause });
  }
}
