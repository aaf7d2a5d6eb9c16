import { expect, test } from "vitest";
import { RESTART_POLICY } from "../../src/nats-server/restart-policy.ts";
import { isSound } from "../chaos/ledger.ts";
import { planChaos } from "../chaos/plan.ts";
import { runChaos } from "../chaos/run-chaos.ts";
import { openCutNetwork } from "../support/cut-network.ts";
import { hasPrivateNats, startPrivateNats, useNats } from "../support/nats.ts";

useNats();

/** The short form of `npm run test:chaos`: with faster beats, so that a cut may outlast the verdict, and retries. */
const RUN = {
  seed: 5256,
  executions: 300,
  faults: 9,
  durationMs: 24_000,
  verdictMs: 6_000,
} as const;
const ENV = { BATUTA_WORKER_HEARTBEAT_INTERVAL: "1s", BATUTA_RETRY_BACKOFF: "100ms" };

test.skipIf(!hasPrivateNats())(
  "each execution ends once while workers, orchestrators and nats-server are killed, frozen and cut off",
  { timeout: 180_000 },
  async () => {
    const kinds = planChaos(RUN).faults.map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(["cut-worker", "cut-orchestrator"]));
    await using network = await openCutNetwork();
    const restart = { ...RESTART_POLICY, maxRestarts: 100 };
    const server = await startPrivateNats({ restart, host: network.host });
    const told: string[] = [network.way];
    const tell = (line: string) => told.push(line);
    const { verdict, left } = await runChaos(server, {
      ...RUN,
      ...{ workers: 3, network, tell, env: ENV },
    });
    expect(isSound(verdict), JSON.stringify({ verdict, told }, null, 2)).toBe(true);
    expect(verdict.accepted).toBe(RUN.executions);
    expect(left).toBe(0);
  },
);
