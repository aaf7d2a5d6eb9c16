// Compiles src and actors to dist with tsc. As an npm `prepare` step it runs with --if-possible:
// an install without dev dependencies (a container's runtime stage) has no compiler and needs none.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

/** npm links the bins of dependencies but not of the checkout itself; without this `npx batuta` would ask the registry. */
function linkOwnBin() {
  const binDir = join(root, "node_modules", ".bin");
  const link = join(binDir, "batuta");
  mkdirSync(binDir, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join("..", "..", "bin", "batuta.js"), link);
}

if (!existsSync(tsc)) {
  if (process.argv.includes("--if-possible")) process.exit(0);
  console.error("build: TypeScript is not installed; run `npm ci` first");
  process.exit(1);
}
rmSync(join(root, "dist"), { recursive: true, force: true });
const result = spawnSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json")], {
  cwd: root,
  stdio: "inherit",
});
if (result.status !== 0) process.exit(result.status ?? 1);
linkOwnBin();
