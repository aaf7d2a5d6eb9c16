import { readFileSync } from "node:fs";

/** The version of this package, from its own package.json: beside `src` in a checkout, above `dist` when built. */
export const VERSION = readVersion();

function readVersion(): string {
  for (const relative of ["../../package.json", "../../../package.json"]) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(relative, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (manifest.name === "batuta" && manifest.version !== undefined) return manifest.version;
    } catch {
      // The other place has it.
    }
  }
  return "0.0.0";
}
