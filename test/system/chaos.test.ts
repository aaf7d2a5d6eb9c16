import { expect, test } from "vitest";
import { RESTART_POLICY } from "../../src/nats-server/restart-policy.ts";
import { isSound } from "../chaos/ledger.ts";
import { runChaos } from "../chaos/run-chaos.ts";
import { hasPrivateNats, startPrivateNats, useNats } from "../support/nats.ts";

useNats();

/** The short form of `npm run test:chaos`. */
const RUN = { seed: 7, executions: 300, faults: 8, durationMs: 24_000, workers: 3 } as const;

test.skipIf(!hasPrivateNats())(
  "each execution ends once while workers, orchestrators and nats-server are killed and frozen",
  { timeout: 180_000 },
  async () => {
    const server = await startPrivateNats({ restart: { ...RESTART_POLICY, maxRestarts: 100 } });
    const told: string[] = [];
    const { verdict, left } = await runChaos(server, { ...RUN, tell: (line) => told.push(line) });
    expect(isSound(verdict), JSON.stringify({ verdict, told }, null, 2)).toBe(true);
    expect(verdict.accepted).toBe(RUN.executions);
    expect(left).toBe(0);
  },
);
