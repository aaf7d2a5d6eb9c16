// Compiles src and actors to dist with tsc, and bundles the pages of web to dist/web with esbuild, if
// they have changed since the last time. As an npm
// `prepare` step it runs with --if-possible: an install without dev dependencies (a container's
// runtime stage) has no compiler and needs none.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
const stamp = join(root, "dist", ".built");

/** When a file, or the newest file or folder below a folder, was changed last; epoch ms. */
function changedAt(path) {
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  const below = readdirSync(path).map((name) => changedAt(join(path, name)));
  return Math.max(mtimeMs, ...below);
}

/** A build while others run from dist would pull the files from under them. */
function isFresh() {
  if (!existsSync(stamp)) return false;
  const sources = [
    "src",
    "actors",
    "web",
    "tsconfig.json",
    "tsconfig.build.json",
    "package-lock.json",
  ];
  return sources.every((name) => changedAt(join(root, name)) <= statSync(stamp).mtimeMs);
}

function compile() {
  rmSync(join(root, "dist"), { recursive: true, force: true });
  const args = [tsc, "-p", join(root, "tsconfig.build.json")];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

/** One script and one stylesheet for each page: nothing is asked of another host, or of npm, when it runs. */
async function bundle() {
  const { build } = await import("esbuild");
  const page = join(root, "web", "inspect");
  const out = join(root, "dist", "web", "inspect");
  await build({
    entryPoints: { inspect: join(page, "main.tsx") },
    outdir: out,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "eof",
    logLevel: "warning",
  });
  await build({
    entryPoints: [join(page, "inspect.css")],
    bundle: true,
    outdir: out,
    minify: true,
    logLevel: "warning",
  });
  for (const name of ["index.html", "icon.svg"]) cpSync(join(page, name), join(out, name));
}

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
if (!isFresh()) {
  compile();
  await bundle();
  writeFileSync(stamp, "");
}
linkOwnBin();
