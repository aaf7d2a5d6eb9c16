import type { StartedTestContainer } from "testcontainers";
import { freePorts } from "../../scripts/free-ports.ts";
import type { TestRabbit } from "./rabbit.ts";

const IMAGE = "rabbitmq:4-management";
const [AMQP_PORT, HTTP_PORT] = [5_672, 15_672] as const;
const START_MS = 180_000;
/** `guest` is let in from the container itself only. */
const [USER, PASSWORD] = ["batuta", "batuta"] as const;

/**
 * A RabbitMQ 4 in a container, for machines with a container engine. Its port stays the same when it is
 * killed and started again, as that of a broker on a host does.
 *
 * @throws Error where no container engine answers.
 */
export async function startRabbitContainer(): Promise<TestRabbit> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import("testcontainers");
  const [port = 0, managementPort = 0] = await freePorts(2);
  const started = await new GenericContainer(IMAGE)
    .withEnvironment({ RABBITMQ_DEFAULT_USER: USER, RABBITMQ_DEFAULT_PASS: PASSWORD })
    .withExposedPorts(
      { container: AMQP_PORT, host: port },
      { container: HTTP_PORT, host: managementPort },
    )
    .withWaitStrategy(Wait.forLogMessage(/Server startup complete/))
    .withStartupTimeout(START_MS)
    .start();
  const engine = await getContainerRuntimeClient();
  const container = engine.container.getById(started.getId());
  return {
    url: `amqp://${USER}:${PASSWORD}@${started.getHost()}:${port}`,
    managementPort,
    control: (...args) => control(started, args),
    kill: async () => {
      await container.kill();
    },
    begin: async () => {
      await container.start();
      await control(started, ["await_startup"]);
    },
    stop: async () => {
      await started.stop();
    },
  };
}

async function control(started: StartedTestContainer, args: readonly string[]): Promise<string> {
  const { output, exitCode } = await started.exec(["rabbitmqctl", "-q", ...args]);
  if (exitCode === 0) return output;
  throw new Error(`rabbitmqctl ${args.join(" ")} failed: ${output}`);
}
