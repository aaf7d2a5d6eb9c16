import { defineConfig } from "vitest/config";
import { SERVER_LINES, type ServerLine } from "./src/nats-server/versions.ts";

/** Tests that need nothing installed. */
const UNIT = [
  "test/architecture.test.ts",
  "test/{actors,chaos,cli,config,docs,domain,engine,http,kernel,messages,telemetry}/**/*.test.ts",
];

/** BATUTA_TEST_NATS picks one line; with BATUTA_TEST_NATS_URL there is but one server. */
function busLines(): readonly ServerLine[] {
  const { BATUTA_TEST_NATS: line, BATUTA_TEST_NATS_URL: url } = process.env;
  if (url) return ["newest"];
  if (!line) return SERVER_LINES;
  const known = SERVER_LINES.filter((each) => each === line);
  if (known.length === 0) throw new Error(`BATUTA_TEST_NATS must be one of ${SERVER_LINES}`);
  return known;
}

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    projects: [
      { test: { name: "unit", include: UNIT, testTimeout: 10_000 } },
      ...busLines().map((line) => ({
        test: {
          name: `bus@${line}`,
          // Everything else: a new folder gets a real server rather than being run by nobody.
          include: ["test/**/*.test.ts"],
          exclude: UNIT,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          globalSetup: ["test/support/global-setup.ts"],
          provide: { natsLine: line },
        },
      })),
    ],
  },
});
