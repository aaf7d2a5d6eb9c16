import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { OwnRabbit } from "../../scripts/own-rabbit.ts";
import { startOwnServer } from "../../scripts/own-server.ts";
import { connectBus } from "../../src/bus/connect.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import { describeDurability } from "../../src/nats-server/durability.ts";
import { machine } from "../machine.ts";
import { medianOf } from "../measure.ts";
import { type Line, printReport, targets } from "../report.ts";
import { Bench } from "./bench.ts";
import { inboundLatency, outboundLatency, queueLatency } from "./latency.ts";
import { inboundRate, moverRate, outboundRate } from "./rates.ts";

const HELP = `npm run bench:amqp -- [--rounds N] [--count N] [--latency-runs N]

Moves messages from RabbitMQ to NATS and back through \`batuta bridge\`, and between two queues of RabbitMQ
through a process that does nothing else, with the same client, prefetch and confirms; prints ratios, the
median of all rounds. Then one message at a time, beside one that only goes through a queue. Brings its own
RabbitMQ and nats-server.

  --rounds        how often everything is measured      (default 3)
  --count         messages for each rate                (default 20000)
  --latency-runs  messages one at a time                (default 500)
`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    count: { type: "string", default: "20000" },
    "latency-runs": { type: "string", default: "500" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else await main(Number(values.rounds), Number(values.count), Number(values["latency-runs"]));

async function main(rounds: number, count: number, latencyRuns: number): Promise<void> {
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-bench-amqp-"));
  const tell = (line: string) => void process.stderr.write(`${line}\n`);
  const [server, rabbit] = await Promise.all([
    startOwnServer({ storeDir }, tell),
    OwnRabbit.start(),
  ]);
  try {
    await using bus = await connectBus({ url: server.url, name: "batuta bench" });
    await ensureTopology(bus);
    await using bench = await Bench.open(bus, server.url, rabbit.url);
    const measured: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      tell(`round ${round} of ${rounds}`);
      measured.push(await measureRound(bench, count, latencyRuns, tell));
    }
    const lines = linesOf(measured);
    const about = { version: server.version, durability: describeDurability(server.durability) };
    printReport({ at: new Date().toISOString(), machine: machine(), server: about, lines });
    if (targets(lines).some(({ met }) => !met)) process.exitCode = 1;
  } finally {
    await Promise.all([server.stop(), rabbit.stop()]);
    await rm(storeDir, { recursive: true, force: true });
  }
}

interface Round {
  /** Messages a second. */
  readonly moved: number;
  readonly inbound: number;
  readonly outbound: number;
  /** Medians, in ms. */
  readonly queueMs: number;
  readonly inboundMs: number;
  readonly outboundMs: number;
}

async function measureRound(
  bench: Bench,
  count: number,
  runs: number,
  tell: (line: string) => void,
): Promise<Round> {
  tell("rates");
  const moved = await moverRate(bench, count);
  const inbound = await inboundRate(bench, count);
  const outbound = await outboundRate(bench, count);
  tell("latencies");
  const queueMs = await queueLatency(bench, runs);
  const inboundMs = await inboundLatency(bench, runs);
  const outboundMs = await outboundLatency(bench, runs);
  return { moved, inbound, outbound, queueMs, inboundMs, outboundMs };
}

function linesOf(rounds: readonly Round[]): Line[] {
  const median = (of: (round: Round) => number) => medianOf(rounds.map(of));
  const rate = (name: string, of: "inbound" | "outbound"): Line => ({
    name,
    unit: "/s",
    value: median((round) => round[of]),
    ratio: median((round) => round[of] / round.moved),
    ratios: rounds.map((round) => round[of] / round.moved),
    atLeast: 0.5,
  });
  const added = (name: string, of: "inboundMs" | "outboundMs"): Line => ({
    name,
    unit: "ms",
    value: median((round) => round[of] - round.queueMs),
    below: 3,
  });
  return [
    { name: "queue -> queue", unit: "/s", value: median(({ moved }) => moved) },
    rate("RabbitMQ -> NATS", "inbound"),
    rate("NATS -> RabbitMQ", "outbound"),
    { name: "through a queue, p50", unit: "ms", value: median(({ queueMs }) => queueMs) },
    added("to NATS instead, more by", "inboundMs"),
    added("from NATS instead, more by", "outboundMs"),
  ];
}
