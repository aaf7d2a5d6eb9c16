import { expect, test } from "vitest";
import type { BrokerFacts } from "../../src/bridge/look-at-broker.ts";
import { judgeBroker, whatHelps } from "../../src/cli/doctor/amqp-findings.ts";
import { exitOf, findingCells, nodeFinding } from "../../src/cli/doctor/doctor.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { streamsFinding, versionFinding } from "../../src/cli/doctor/nats-findings.ts";
import { EXIT } from "../../src/cli/exit-codes.ts";
import { amqpNames } from "../../src/messages/amqp-names.ts";

const names = amqpNames("batuta");
const QUEUES = [
  ...(["high", "normal", "low"] as const).map(names.flows),
  ...Object.values(names.workers),
  names.dead,
];

/** A broker as it is beside a bridge that runs, but for what a test changes. */
function broker(changes: BrokerFacts["queues"] = {}, missingExchanges: string[] = []): BrokerFacts {
  const well = Object.fromEntries(QUEUES.map((queue) => [queue, { messages: 0, consumers: 1 }]));
  const queues = { ...well, ...changes };
  return { product: "RabbitMQ", version: "3.10.8", queues, missingExchanges };
}

const verdictsOf = (findings: readonly Finding[]) =>
  findings.map(({ check, verdict }) => `${check}: ${verdict}`);

test("a broker with a bridge is well", () => {
  expect(verdictsOf(judgeBroker(broker(), names, "declare"))).toEqual([
    "amqp: ok",
    "amqp topology: ok",
    "amqp bridge: ok",
  ]);
});

test("what is missing is made by a bridge, unless it may not", () => {
  const facts = broker({ "batuta.dead": undefined }, ["batuta.dlx"]);
  const [, declared] = judgeBroker(facts, names, "declare");
  expect(declared).toMatchObject({ verdict: "warn", next: expect.stringContaining("bridge") });
  expect(declared?.detail).toBe("not there: batuta.dlx, batuta.dead");
  const [, passive] = judgeBroker(facts, names, "passive");
  expect(passive).toMatchObject({ verdict: "fail" });
});

test("flows that nobody takes, old heartbeats and dead letters are told with what to do", () => {
  const facts = broker({
    "batuta.flows.low": { messages: 7, consumers: 0 },
    "batuta.workers.heartbeat": { messages: 5_000, consumers: 0 },
    "batuta.dead": { messages: 2, consumers: 0 },
  });
  const findings = judgeBroker(facts, names, "declare");
  expect(verdictsOf(findings).slice(2)).toEqual([
    "amqp bridge: warn",
    "amqp heartbeats: warn",
    "amqp dead letters: warn",
  ]);
  expect(findings[2]?.detail).toBe("nobody takes from batuta.flows.low; 7 flows wait");
  expect(findings[3]?.next).toContain("message-ttl");
});

test.each([
  ["Handshake terminated by server: 403 (ACCESS-REFUSED)", "user and password"],
  ["connection closed: 530 (NOT_ALLOWED) vhost /x not found", "vhost"],
  ["connect ECONNREFUSED 127.0.0.1:5672", "host and port"],
])("of %j the next step is to check the %s", (said, next) => {
  expect(whatHelps(said)).toContain(next);
});

test("old servers and an old Node.js are told, and what does not answer decides the exit code", () => {
  expect(versionFinding("2.9.9", "s").verdict).toBe("fail");
  expect(versionFinding("2.9.10", "s").verdict).toBe("warn");
  expect(versionFinding("2.15.1", "s").verdict).toBe("ok");
  expect(streamsFinding("FLOWS_NORMAL", false).next).toContain("batuta run");
  expect(nodeFinding("20.18.3").verdict).toBe("fail");
  expect(nodeFinding("20.19.0").verdict).toBe("ok");
  expect(nodeFinding("24.1.0").verdict).toBe("ok");
  const failed = (check: string): Finding => ({ check, verdict: "fail", detail: "" });
  expect(exitOf([failed("node"), failed("nats")])).toBe(EXIT.unreachable);
  expect(exitOf([failed("amqp topology")])).toBe(EXIT.usage);
  expect(exitOf([streamsFinding("FLOWS_NORMAL", false)])).toBe(EXIT.ok);
});

test("the next step is shown below what was found", () => {
  const cells = findingCells(streamsFinding("FLOWS_NORMAL", false), (_, text) => text);
  expect(cells[0]).toBe("warn");
  expect(cells[2]).toMatch(/^there is no stream FLOWS_NORMAL\nnext: start an orchestrator/);
});
