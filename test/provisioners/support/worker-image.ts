import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** In place of a worker: leaves when it is told to, and dies when that is asked for. */
const PROGRAM = `
process.on("SIGTERM", () => process.exit(0));
setInterval(() => {}, 1000);
if (process.env.DIES === "1") process.exit(3);
console.log("ready");
`;

/** Makes an image out of this Node and the libraries that it needs: nothing has to be fetched. */
export function makeWorkerImage(host: string, tag: string): void {
  const root = mkdtempSync(join(tmpdir(), "worker-image-"));
  try {
    put(root, realpathSync(process.execPath), "/node");
    for (const library of librariesOf(process.execPath)) put(root, realpathSync(library), library);
    writeFileSync(join(root, "worker.js"), PROGRAM);
    mkdirSync(join(root, "tmp"));
    const tar = execFileSync("tar", ["-c", "-C", root, "."], { maxBuffer: 1_024 ** 3 });
    const change = 'ENTRYPOINT ["/node", "/worker.js"]';
    execFileSync("docker", ["-H", host, "import", "--change", change, "-", tag], { input: tar });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function librariesOf(program: string): readonly string[] {
  const printed = execFileSync("ldd", [program], { encoding: "utf8" });
  return printed.match(/\/[^\s()]+/g) ?? [];
}

function put(root: string, from: string, to: string): void {
  mkdirSync(join(root, dirname(to)), { recursive: true });
  cpSync(from, join(root, to), { dereference: true });
}
