import { defineConfig } from "vitest/config";
import { SERVER_LINES, type ServerLine } from "./src/nats-server/versions.ts";

/** Tests that need nothing installed. */
const UNIT = [
  "test/architecture.test.ts",
  "test/{actors,chaos,cli,config,docs,domain,engine,http,inspect,kernel,messages,provisioners,telemetry,web}/**/*.test.ts",
];

/**
 * Tests of what no NATS server has a part in: how workers are judged, what people see and type, how clients
 * of RabbitMQ speak. They run on one line; with BATUTA_TEST_NATS on the one that it picks.
 */
const ANY_SERVER = [
  "test/bridge/{begin-anew,bridge-health,foreign-clients,garagemq,hostile-messages,nest,nest-ways,topology}.test.ts",
  "test/client/**/*.test.ts",
  "test/pages/**/*.test.ts",
  "test/system/{actors,bad-input,blocked-loop,cut-off,drain,executions,hostile-workers,http,scaling-docker}.test.ts",
  "test/system/{pause-operator,poison,scaling,silent-worker}.test.ts",
];

/** Tests of what few machines have: a Docker engine to make containers on (docs/scaling-docker.md). */
const LIVE = process.env.BATUTA_TEST_DOCKER_SOCKET ? [] : ["test/provisioners/docker-live.test.ts"];

/** A broker of another make, which loses a confirm now and then: `npm run test:amqp` tries it. */
const OTHER_BROKER = process.env.BATUTA_TEST_GARAGEMQ ? [] : ["test/bridge/garagemq.test.ts"];

/** BATUTA_TEST_NATS picks one line; with BATUTA_TEST_NATS_URL there is but one server. */
function busLines(): readonly ServerLine[] {
  const { BATUTA_TEST_NATS: line, BATUTA_TEST_NATS_URL: url } = process.env;
  if (url) return ["newest"];
  if (!line) return SERVER_LINES;
  const known = SERVER_LINES.filter((each) => each === line);
  if (known.length === 0) throw new Error(`BATUTA_TEST_NATS must be one of ${SERVER_LINES}`);
  return known;
}

/** How long a test waits for what it expects to become true: the default of 1 s is a timed test on a busy machine. */
const PATIENT = { poll: { timeout: 8_000 } };

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 3,
    projects: [
      {
        test: { name: "unit", include: UNIT, exclude: LIVE, testTimeout: 30_000, expect: PATIENT },
      },
      ...busLines().map((line, index) => ({
        test: {
          name: `bus@${line}`,
          // Everything else: a new folder gets a real server rather than being run by nobody.
          include: ["test/**/*.test.ts"],
          exclude: [...UNIT, ...OTHER_BROKER, ...(index === 0 ? [] : ANY_SERVER)],
          testTimeout: 120_000,
          expect: PATIENT,
          hookTimeout: 120_000,
          globalSetup: ["test/support/global-setup.ts"],
          provide: { natsLine: line },
        },
      })),
    ],
  },
});
