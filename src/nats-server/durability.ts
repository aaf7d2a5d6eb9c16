import { ConfigError } from "../domain/errors.ts";
import { isAtLeast } from "../domain/server-version.ts";
import { STRICT_DURABILITY_VERSION } from "./versions.ts";

/** What an acknowledged publish survives: see `describeDurability`. */
export const DURABILITIES = ["default", "strict"] as const;
export type Durability = (typeof DURABILITIES)[number];

/** `external`: somebody else configured the server and Batuta cannot see how it syncs. */
export type EffectiveDurability = Durability | "external";

/** One line for people: what an acknowledged execution survives. */
export function describeDurability(durability: EffectiveDurability): string {
  const lines: Record<EffectiveDurability, string> = {
    default:
      "default: survives process crashes; a power cut can lose up to 2 min of acknowledged messages",
    strict:
      "strict: synced to disk before each acknowledgement; survives process crashes and power cuts",
    external:
      "external: as the server's operator set sync_interval (nats-server's default: a power cut can lose up to 2 min)",
  };
  return lines[durability];
}

/** @throws ConfigError when this version cannot sync before it acknowledges. */
export function assertDurability(durability: Durability, version: string): void {
  if (durability === "default" || isAtLeast(version, STRICT_DURABILITY_VERSION)) return;
  throw new ConfigError(
    `durability=strict needs nats-server ${STRICT_DURABILITY_VERSION} or newer, this one is ${version}; use a newer server or durability=default`,
  );
}
