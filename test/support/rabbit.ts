import { OwnRabbit } from "../../scripts/own-rabbit.ts";
import { usePart } from "./part.ts";
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
  return usePart(
    "RabbitMQ",
    () => startRabbit(how),
    (rabbit) => rabbit.stop(),
  );
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
