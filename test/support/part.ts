import { beforeAll, beforeEach } from "vitest";
import { INSTALL_MS } from "../../scripts/debian.ts";

/**
 * A real part that the tests of a file need, called once at its top. It is begun before the first of them and
 * stopped after the last. Where it cannot be had the tests are skipped, loudly; with CI set they fail.
 */
export function usePart<T>(
  name: string,
  begin: () => Promise<T>,
  stop: (part: T) => unknown,
): () => T {
  let part: { readonly is: T } | undefined;
  let missing = "";
  beforeAll(async () => {
    try {
      part = { is: await begin() };
    } catch (error) {
      if (process.env.CI) throw error;
      missing = `there is no ${name}: ${(error as Error).message}`;
      process.stderr.write(`!!! TESTS WITH ${name} ARE SKIPPED: ${missing}\n`);
    }
    return () => part && stop(part.is);
  }, INSTALL_MS);
  beforeEach((context) => {
    if (missing !== "") context.skip(missing);
  });
  return () => {
    if (part === undefined) throw new Error(`${name} was not started`);
    return part.is;
  };
}
