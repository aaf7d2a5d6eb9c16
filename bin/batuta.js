#!/usr/bin/env node
// Starts the compiled command line. A checkout that was not built, or a Node.js that is too old, is
// told what to do instead of getting a stack trace.
import nodeModule from "node:module";
import "./first-process.js";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const entry = new URL("../dist/src/cli/main.js", import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node.js ${process.versions.node} is too old: Batuta needs 20.19 or newer`);
}
// Node.js 22 and newer keep compiled code between runs: commands start in half the time.
nodeModule.enableCompileCache?.();
try {
  await import("../dist/src/cli/main.js");
} catch (error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND" || error.url !== entry.href) throw error;
  fail("this checkout is not built: run `npm ci` (or `npm run build`) first");
}

function fail(message) {
  process.stderr.write(`batuta: ${message}\n`);
  process.exit(70);
}
