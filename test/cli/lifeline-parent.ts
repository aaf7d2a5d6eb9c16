// Starts lifeline-child.ts as `batuta dev` starts workers and prints its pid; then waits to be killed.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const file = fileURLToPath(new URL("./lifeline-child.ts", import.meta.url));
const child = spawn(process.execPath, ["--import", "tsx", file], {
  detached: true,
  stdio: ["pipe", "pipe", "inherit"],
});
child.stdout.once("data", () => process.stdout.write(`${child.pid}\n`));
