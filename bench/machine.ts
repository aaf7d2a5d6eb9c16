import { cpus, release, totalmem } from "node:os";

/** What the figures were measured on. */
export function machine() {
  const [cpu] = cpus();
  return {
    cores: cpus().length,
    cpu: cpu?.model ?? "unknown",
    memoryGB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
}
