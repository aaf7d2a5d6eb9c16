import type { TestContext } from "vitest";
import type { Child } from "../support/child.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { testPrefix } from "../support/nats.ts";
import { LegacyClient } from "./legacy-client.ts";

type Env = Readonly<Record<string, string>>;

/** A cluster and a broker, each with names of its own for the test, and how a bridge between them begins. */
export interface Joined {
  readonly cluster: Cluster;
  readonly client: LegacyClient;
  readonly prefix: string;
  /** The settings that name the broker. */
  readonly amqp: Env;
  /** One more, once it takes flows. */
  readonly bridge: (env?: Env) => Promise<Child>;
}

export async function join(
  task: TestContext["task"],
  nats: { readonly url: string },
  broker: { readonly url: string },
  settings: Env = {},
  how: { readonly isEmpty?: boolean; readonly isTrusting?: boolean } = {},
): Promise<Joined> {
  const prefix = testPrefix(task);
  const amqp = { BATUTA_AMQP_URL: broker.url, BATUTA_AMQP_PREFIX: prefix };
  const cluster = await Cluster.start(task, nats, { ...amqp, ...settings }, how);
  const client = await LegacyClient.open(broker.url, prefix, how);
  const bridge = async (env: Env = {}) => {
    const child = cluster.child(["bridge"], env);
    for (const direction of ["in", "out"])
      await child.says(new RegExp(`"direction":"${direction}"[^\\n]*AMQP link running`));
    return child;
  };
  return { cluster, client, prefix, amqp, bridge };
}

/** A flow that ends at once, as a producer publishes it. */
export function message(executionId: string, more: object = {}) {
  return { flowId: "noop", executionId, flowData: NOOP_FLOW, ...more };
}
