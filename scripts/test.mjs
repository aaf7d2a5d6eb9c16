// `npm test`: builds, runs vitest (further arguments go to it) and prints, as its last line,
// "N passed, N failed". Fails when a test failed, when no test ran, and with CI set also when one
// was skipped.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Runs a script of node and returns its exit code. */
function node(script, args) {
  const options = { cwd: root, stdio: "inherit" };
  return spawnSync(process.execPath, [join(root, script), ...args], options).status ?? 1;
}

/** What vitest's JSON reporter wrote; undefined when it died before. */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** A file that could not be loaded counts as one failed test, as does a run that failed otherwise. */
function countOutcomes(report, exitCode) {
  const files = report?.testResults ?? [];
  const broken = files.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  const passed = report?.numPassedTests ?? 0;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  const failed = (report?.numFailedTests ?? 0) + broken.length;
  return { passed, skipped, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}

function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

const built = node("scripts/build.mjs", []);
if (built !== 0) {
  console.error("test: the build failed, so no test was run");
  console.log(closingLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exit(built);
}
const folder = mkdtempSync(join(tmpdir(), "batuta-test-report-"));
const report = join(folder, "report.json");
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
const args = ["run", ...reporters, ...process.argv.slice(2)];
const exitCode = node("node_modules/vitest/vitest.mjs", args);
const outcomes = countOutcomes(readReport(report), exitCode);
rmSync(folder, { recursive: true, force: true });

if (!process.env.BATUTA_TEST_DOCKER_SOCKET)
  console.error("test: NOT TRIED: containers on a live Docker engine (BATUTA_TEST_DOCKER_SOCKET)");
if (!process.env.BATUTA_TEST_GARAGEMQ)
  console.error("test: NOT TRIED: the broker GarageMQ (npm run test:amqp does)");
if (outcomes.passed + outcomes.failed === 0) console.error("test: no test was run");
if (process.env.CI && outcomes.skipped > 0)
  console.error("test: with CI set no test may be skipped");
console.log(closingLine(outcomes));
const ranNothing = outcomes.passed === 0;
const skippedInCi = Boolean(process.env.CI) && outcomes.skipped > 0;
process.exitCode = outcomes.failed > 0 || ranNothing || skippedInCi ? exitCode || 1 : 0;
