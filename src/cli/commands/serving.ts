import { type Command, Option } from "commander";
import type { DevOptions } from "../dev/dev.ts";
import { type FlagValues, optionsFor, outputOption } from "../flags.ts";
import { teach } from "../help.ts";
import { type CommandContext, newCommand } from "./command.ts";

/** The commands that run until they are stopped: dev, run, worker, bridge. */
export function servingCommands(context: CommandContext): readonly Command[] {
  return [devCommand(context), runCommand(context), workerCommand(context), bridgeCommand(context)];
}

function devCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("dev", "start everything here: nats-server, orchestrator, workers");
  const flags = ["workers", "slots", "httpPort", "strategy", "dataDir", "durability"] as const;
  const common = ["id", "pool", "labels", "drainTimeout", "url", "prefix"] as const;
  for (const option of optionsFor(...flags, ...common, "logLevel", "logFormat")) {
    command.addOption(option);
  }
  command.addOption(
    new Option("--amqp [url]", "join a RabbitMQ broker, too: this one, or else the local one"),
  );
  command.addOption(outputOption());
  command.action(async (options: DevOptions) => {
    const { dev } = await import("../dev/dev.ts");
    finish(await dev(options, terminal));
  });
  return teach(command, {
    examples: [
      ["batuta dev", "everything in one terminal, until Ctrl-C"],
      ["batuta dev --workers 4 --slots 20", "more of both"],
      ["batuta dev --http-port 0", "HTTP on any free port"],
      ["batuta dev --amqp", "with a bridge to the RabbitMQ on this machine (BATUTA_AMQP_URL)"],
      ["BATUTA_NATS_URL=nats://10.0.0.5:4222 batuta dev", "on a server that runs already"],
    ],
    environment: [
      ["BATUTA_NATS_SERVER_BIN", "the nats-server program to start"],
      ["BATUTA_HTTP_TOKEN", "the bearer token that HTTP clients must send"],
    ],
    exits: ["ok", "usage", "unreachable", "forced"],
  });
}

function runCommand({ terminal, finish }: CommandContext): Command {
  const command = newCommand("run", "run an orchestrator with its HTTP API");
  command.addOption(new Option("--no-http", "without the HTTP API (BATUTA_HTTP_ENABLED)"));
  const flags = ["url", "prefix", "httpPort", "httpHost", "strategy"] as const;
  for (const option of optionsFor(...flags, "dataDir", "durability", "logLevel", "logFormat")) {
    command.addOption(option);
  }
  command.action(async ({ http, ...values }: FlagValues & { http: boolean }) => {
    const { Heap } = await import("../serve/heap.ts");
    // Before everything else: loading it would let the heap grow, and it does not shrink again.
    using heap = new Heap();
    const { configOf } = await import("../config.ts");
    const { run } = await import("../serve/run.ts");
    const config = configOf(values, http ? {} : { BATUTA_HTTP_ENABLED: "false" });
    finish(await run(config, values, terminal, heap));
  });
  return teach(command, {
    examples: [
      ["batuta run --url nats://10.0.0.5:4222", "on that server; waits for it if it is not up yet"],
      ["batuta run", "with a nats-server of its own on port 4222"],
      ["batuta run --http-port 8080 --strategy weighted", "another port, another way to balance"],
    ],
    environment: [
      ["BATUTA_HTTP_TOKEN", "needed to serve HTTP beyond this machine"],
      ["BATUTA_LANE_WEIGHTS", "shares of the lanes high:normal:low, 8:3:1"],
      ["BATUTA_SHUTDOWN_TIMEOUT", "from SIGTERM to exit at the latest, 90s"],
    ],
    exits: ["ok", "usage", "unreachable", "forced"],
  });
}

function workerCommand({ finish }: CommandContext): Command {
  const command = newCommand("worker", "run a worker; SIGTERM drains it");
  const flags = ["url", "prefix", "id", "slots", "pool", "labels", "drainTimeout"] as const;
  for (const option of optionsFor(...flags, "logLevel", "logFormat")) command.addOption(option);
  command.option("--lifeline", "end when standard input ends: for a parent that starts workers");
  command.action(async ({ lifeline, ...values }: FlagValues & { lifeline?: true }) => {
    const { configOf } = await import("../config.ts");
    const { worker } = await import("../serve/worker.ts");
    finish(await worker(configOf(values), { lifeline: lifeline === true }));
  });
  return teach(command, {
    examples: [
      ["batuta worker", "on BATUTA_NATS_URL, else nats://127.0.0.1:4222"],
      ["batuta worker --id w1 --slots 50", "with an id of your own; ids must be unique"],
      ["batuta worker --pool gpu --labels zone=eu,gpu=true", "what flows may ask for"],
    ],
    environment: [
      ["BATUTA_WORKER_MEMORY_LIMIT_MB", "the memory that counts as 100 % in its health"],
      ["BATUTA_WORKER_HEARTBEAT_INTERVAL", "how often it beats, 2s"],
    ],
    exits: ["ok", "usage", "unreachable", "forced"],
  });
}

function bridgeCommand({ finish }: CommandContext): Command {
  const command = newCommand("bridge", "join a RabbitMQ broker: flows in, results and events out");
  for (const option of optionsFor("url", "prefix", "logLevel", "logFormat"))
    command.addOption(option);
  command.addOption(
    new Option("--amqp-url <url>", "the RabbitMQ broker, with its vhost (BATUTA_AMQP_URL)"),
  );
  command.action(async ({ amqpUrl, ...values }: FlagValues & { amqpUrl?: string }) => {
    const { configOf } = await import("../config.ts");
    const { bridge } = await import("../serve/bridge.ts");
    const given = amqpUrl === undefined ? {} : { BATUTA_AMQP_URL: amqpUrl };
    finish(await bridge(configOf(values, given)));
  });
  return teach(command, {
    examples: [
      ["batuta bridge --amqp-url amqp://guest:guest@127.0.0.1:5672", "until it is stopped"],
      ["BATUTA_AMQP_QUEUE_TYPE=classic batuta bridge", "on a broker without quorum queues"],
    ],
    environment: [
      ["BATUTA_AMQP_URL", "the RabbitMQ broker; better here than on the command line"],
      ["BATUTA_AMQP_PREFIX", "what its exchanges and queues begin with, batuta"],
      ["BATUTA_AMQP_TOPOLOGY", "declare, passive or off"],
    ],
    exits: ["ok", "usage", "unreachable", "forced"],
  });
}
