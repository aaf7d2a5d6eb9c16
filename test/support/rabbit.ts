import { beforeAll, beforeEach } from "vitest";
import { INSTALL_MS } from "../../scripts/debian.ts";
import { OwnRabbit } from "../../scripts/own-rabbit.ts";
import { startRabbitContainer } from "./rabbit-container.ts";

/** A broker that a test may kill and start again. */
export interface TestRabbit {
  /** With its login. */
  readonly url: string;
  /** Where its management API answers on this host; undefined where it has none. */
  readonly managementPort: number | undefined;
  /** What `rabbitmqctl` prints. */
  control(...args: readonly string[]): Promise<string>;
  /** With SIGKILL. */
  kill(): Promise<void>;
  /** Once more after `kill`; resolves when it takes clients. */
  begin(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A real RabbitMQ for the tests of a file, called once at its top: Debian's, which is installed where it is
 * missing, else RabbitMQ 4 in a container; with BATUTA_TEST_RABBIT=container the latter. Where there can be
 * none the tests are skipped, loudly; with CI set they fail.
 */
export function useRabbit(how: { readonly withManagement?: boolean } = {}): () => TestRabbit {
  let rabbit: TestRabbit | undefined;
  let missing = "";
  beforeAll(async () => {
    try {
      rabbit = await startRabbit(how);
    } catch (error) {
      if (process.env.CI) throw error;
      missing = `there is no RabbitMQ: ${(error as Error).message}`;
      process.stderr.write(`!!! TESTS OF THE BRIDGE ARE SKIPPED: ${missing}\n`);
    }
    return () => rabbit?.stop();
  }, INSTALL_MS);
  beforeEach((context) => {
    if (missing !== "") context.skip(missing);
  });
  return () => {
    if (rabbit === undefined) throw new Error("RabbitMQ was not started");
    return rabbit;
  };
}

async function startRabbit(how: { readonly withManagement?: boolean }): Promise<TestRabbit> {
  if (process.env.BATUTA_TEST_RABBIT === "container") return await startRabbitContainer();
  try {
    return await OwnRabbit.start(how);
  } catch (native) {
    try {
      return await startRabbitContainer();
    } catch (container) {
      const why = [native, container].map((error) => (error as Error).message).join("; ");
      throw new Error(why, { cause: container });
    }
  }
}
