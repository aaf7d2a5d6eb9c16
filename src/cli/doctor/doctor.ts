import type { Config } from "../../config/variables.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Format, printListing } from "../output.ts";
import type { Paint, Terminal } from "../terminal.ts";
import { amqpFindings } from "./amqp-findings.ts";
import { type Finding, fail, ok } from "./finding.ts";
import { natsFindings } from "./nats-findings.ts";

/** The oldest Node.js that is supported. */
const NODE = { major: 20, minor: 19 };

/** `batuta doctor`: looks at all that Batuta needs here, and says what to do. Changes nothing. */
export async function doctor(
  config: Config,
  { output }: { readonly output: Format },
  terminal: Terminal,
): Promise<ExitCode> {
  const findings = [
    nodeFinding(process.versions.node),
    ...(await natsFindings(config)),
    ...(await amqpFindings(config)),
  ];
  await printListing(terminal, output, {
    records: findings,
    columns: ["", "CHECK", "FOUND"],
    cells: (finding) => findingCells(finding, terminal.paint),
  });
  return exitOf(findings);
}

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOld = major < NODE.major || (major === NODE.major && minor < NODE.minor);
  if (!isOld) return ok("node", `Node.js ${version}`);
  const wanted = `${NODE.major}.${NODE.minor}`;
  return fail("node", `Node.js ${version} is older than ${wanted}`, `install ${wanted} or newer`);
}

const MARKS = { ok: ["green", "ok"], warn: ["yellow", "warn"], fail: ["red", "FAIL"] } as const;

export function findingCells(
  { check, verdict, detail, next }: Finding,
  paint: Paint,
): readonly string[] {
  const [colour, mark] = MARKS[verdict];
  const found = next === undefined ? detail : `${detail}\n${paint("dim", `next: ${next}`)}`;
  return [paint(colour, mark), check, found];
}

/** Of what failed, a server that does not answer weighs most. */
export function exitOf(findings: readonly Finding[]): ExitCode {
  const failed = findings.filter(({ verdict }) => verdict === "fail");
  if (failed.length === 0) return EXIT.ok;
  return failed.some(({ check }) => check === "nats" || check === "amqp")
    ? EXIT.unreachable
    : EXIT.usage;
}
