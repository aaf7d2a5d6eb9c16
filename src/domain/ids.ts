/**
 * Ids become one subject token and one KV key each, so dots, wildcards, spaces and anything beyond
 * ASCII are refused (contract B1).
 */
export const ID_PATTERN = "^[A-Za-z0-9_-]{1,128}$";
export const WORKER_ID_PATTERN = "^[A-Za-z0-9_-]{1,64}$";
export const NODE_ID_PATTERN = "^[A-Za-z0-9_-]{1,64}$";

const id = new RegExp(ID_PATTERN);
const workerId = new RegExp(WORKER_ID_PATTERN);

export function isId(value: unknown): value is string {
  return typeof value === "string" && id.test(value);
}

export function isWorkerId(value: unknown): value is string {
  return typeof value === "string" && workerId.test(value);
}

/** The id of an execution whose publisher gave none: the stream and sequence of its message. */
export function executionIdOf(stream: string, sequence: number): string {
  return `${stream}-${sequence}`;
}
