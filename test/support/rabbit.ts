import { beforeAll, beforeEach } from "vitest";
import { INSTALL_MS } from "../../scripts/debian.ts";
import { OwnRabbit } from "../../scripts/own-rabbit.ts";

/**
 * A real RabbitMQ for the tests of a file, called once at its top: Debian's, which is installed where it is
 * missing. Where there can be none the tests are skipped, loudly; with CI set they fail.
 */
export function useRabbit(): () => OwnRabbit {
  let rabbit: OwnRabbit | undefined;
  let missing = "";
  beforeAll(async () => {
    try {
      rabbit = await OwnRabbit.start();
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
