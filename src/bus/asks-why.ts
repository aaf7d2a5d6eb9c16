import { HEADERS } from "../messages/subjects.ts";
import type { HeaderLines } from "./publish.ts";

const NAME = HEADERS.explain.toLowerCase();

/** Whether the publisher wants it taken down where its message is placed. Asked for each task. */
export function asksWhy(headers: HeaderLines | undefined): boolean {
  if (headers === undefined || headers.length === 0) return false;
  return headers.some(([name, value]) => value === "1" && name.toLowerCase() === NAME);
}
