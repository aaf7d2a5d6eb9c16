import type { Check } from "./summary.ts";

/** Prints what was checked and how it came out; true when all of it passed. */
export function report(results: readonly Check[]): boolean {
  for (const { what, faults } of results) {
    console.log(`${faults.length === 0 ? "✓" : "✗"} ${what}`);
    for (const fault of faults.slice(0, 20)) console.log(`    ${fault}`);
  }
  const passed = results.every(({ faults }) => faults.length === 0);
  console.log(passed ? "demo: all checks passed" : "demo: some checks failed");
  return passed;
}
