import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startOwnServer } from "../../scripts/own-server.ts";
import { RESTART_POLICY } from "../../src/nats-server/restart-policy.ts";
import { CUT_WAYS, openCutNetwork } from "../support/cut-network.ts";
import { isSound } from "./ledger.ts";
import { FAULT_KINDS, type FaultKind } from "./plan.ts";
import { printReport } from "./report.ts";
import { runChaos } from "./run-chaos.ts";

const HELP = `npm run test:chaos -- [--seed N] [--executions N] [--faults N] [--seconds N] [--workers N]
                          [--only KIND,...] [--cuts WAY]

Runs executions on two orchestrators and some workers while these and their nats-server are killed,
frozen and cut off from one another, then proves from the result stream that each accepted execution ended exactly once.
The same seed makes the same faults at the same times.

  --seed        default 1
  --executions  default 10000
  --faults      default 36
  --seconds     over which executions are published and faults happen (default 180)
  --workers     default 6, of 20 slots
  --only        some of ${FAULT_KINDS.join(", ")}
  --cuts        namespaces (needs root and iproute2), proxies, or auto (default): the first that works
`;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    executions: { type: "string", default: "10000" },
    faults: { type: "string", default: "36" },
    seconds: { type: "string", default: "180" },
    workers: { type: "string", default: "6" },
    only: { type: "string" },
    cuts: { type: "string", default: "auto" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`);
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-chaos-"));
  const restart = { ...RESTART_POLICY, maxRestarts: 1_000 };
  await using network = await openCutNetwork(wayOf(values.cuts));
  const { host } = network;
  await using running = await startOwnServer({ storeDir, restart, host }, tell);
  try {
    const report = await runChaos(running, {
      seed: positive("seed", values.seed),
      executions: positive("executions", values.executions),
      faults: positive("faults", values.faults),
      durationMs: positive("seconds", values.seconds) * 1_000,
      workers: positive("workers", values.workers),
      ...(values.only === undefined ? {} : { only: values.only.split(",").map(kindOf) }),
      network,
      tell,
      env: { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "20" },
    });
    printReport(values.seed, running.version, report);
    if (!isSound(report.verdict) || report.left > 0) process.exitCode = 1;
  } finally {
    await running.stop();
    await rm(storeDir, { recursive: true, force: true });
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} ${text}: a positive whole number is expected`);
}

function kindOf(text: string): FaultKind {
  const kind = FAULT_KINDS.find((each) => each === text);
  if (kind !== undefined) return kind;
  throw new Error(`--only ${text}: some of ${FAULT_KINDS.join(", ")} are expected`);
}

function wayOf(text: string) {
  const way = CUT_WAYS.find((each) => each === text);
  if (way !== undefined) return way;
  throw new Error(`--cuts ${text}: one of ${CUT_WAYS.join(", ")} is expected`);
}
