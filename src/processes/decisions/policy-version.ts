import { createHash } from "node:crypto";
import { VERSION } from "../version.ts";

const HASH_CHARS = 8;

/** Which rules decided: the version of the code, and a hash of the settings that the decisions depend on. */
export function policyVersionOf(settings: object): string {
  const hash = createHash("sha256").update(JSON.stringify(settings)).digest("hex");
  return `${VERSION}+${hash.slice(0, HASH_CHARS)}`;
}
