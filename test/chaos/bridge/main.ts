import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { OwnRabbit } from "../../../scripts/own-rabbit.ts";
import { startOwnServer } from "../../../scripts/own-server.ts";
import { connectBus } from "../../../src/bus/connect.ts";
import { ensureTopology } from "../../../src/bus/topology.ts";
import { RESTART_POLICY } from "../../../src/nats-server/restart-policy.ts";
import { BridgeUnderTest } from "./bridge-under-test.ts";
import { type Crossing, crossBoth } from "./crossing.ts";
import { memoryWithoutNats, memoryWithoutRabbit } from "./memory.ts";

const HELP = `npm run test:chaos:bridge -- [--messages N]

Sends that many flows from RabbitMQ to NATS and as many results back through \`batuta bridge\`, which is
killed (-9) three times meanwhile; then nats-server is, then RabbitMQ. Proves from the lane and from a queue
that nothing was lost and no flow stored twice. Then looks at the memory of the bridge while one side and
then the other takes nothing. Exits 1 when something was lost or stored twice, or its memory grows.

  --messages  default 60000
`;

/** What the collector may leave in half a minute; 40,000 held messages would be 30 MB and more. */
const FLAT_MB = 15;

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "60000" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else await main(Number(values.messages));

async function main(messages: number): Promise<void> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`);
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-chaos-bridge-"));
  const restart = { ...RESTART_POLICY, maxRestarts: 100 };
  const server = await startOwnServer({ storeDir, restart }, tell);
  const rabbit = await OwnRabbit.start();
  try {
    await using bus = await connectBus({ url: server.url, name: "batuta chaos" });
    await ensureTopology(bus);
    await using bridge = new BridgeUnderTest(server.url, rabbit.url);
    await bridge.start();
    const crossing = await crossBoth({ bus, server, rabbit, bridge, messages, tell });
    print(crossing);
    const grown = {
      nats: await memoryWithoutNats({ bus, server, rabbit, bridge, messages, tell }),
      rabbit: await memoryWithoutRabbit({ bus, server, rabbit, bridge, messages, tell }),
    };
    process.stdout.write(`memory while NATS takes nothing: ${grown.nats.join(" -> ")} MB\n`);
    process.stdout.write(`memory while RabbitMQ takes nothing: ${grown.rabbit.join(" -> ")} MB\n`);
    const isFlat = Object.values(grown).every(([from, to]) => to - from <= FLAT_MB);
    if (!isSound(crossing) || !isFlat) process.exitCode = 1;
  } finally {
    await Promise.all([server.stop(), rabbit.stop()]);
    await rm(storeDir, { recursive: true, force: true });
  }
}

function isSound({ inbound, outbound }: Crossing): boolean {
  return inbound.lost + inbound.twice + outbound.lost === 0;
}

function print({ inbound, outbound, seconds }: Crossing): void {
  const { sent, lost, twice } = inbound;
  process.stdout.write(
    `RabbitMQ -> NATS: ${sent} flows (some sent again after RabbitMQ died), lost ${lost}, stored twice ${twice}\n` +
      `NATS -> RabbitMQ: ${outbound.sent} results, lost ${outbound.lost}, told again ${outbound.twice}\n` +
      `in ${Math.round(seconds)} s, with 3 bridges, a nats-server and a RabbitMQ killed\n`,
  );
}
