import { join } from "node:path";
import type { InstallStep } from "./install-step.ts";

/** Builds the release with the machine's own Go; the module's checksum is verified by Go itself. */
export const installWithGo: InstallStep = async ({ staging, source, run, say }) => {
  if ((await run("go", ["version"])).code !== 0)
    return { passed: "there is no Go on this machine" };
  const module = `github.com/nats-io/nats-server/v2@v${source.release}`;
  say(`building it: go install ${module}`);
  const built = await run("env", [`GOBIN=${staging}`, "go", "install", module], {
    timeoutMs: 600_000,
  });
  if (built.code !== 0)
    return { passed: `go install failed: ${built.stderr.trim().split("\n").at(-1)}` };
  return { binary: join(staging, "nats-server"), source: `go install ${module}` };
};
