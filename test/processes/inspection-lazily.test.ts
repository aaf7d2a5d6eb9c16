import { expect, test } from "vitest";
import type { InspectionSink, InspectionSource } from "../../src/messages/inspection.ts";
import { inspectionGateway } from "../../src/processes/inspection-gateway.ts";
import { lazyInspection } from "../../src/processes/inspection-lazily.ts";
import { inspectionPages } from "../../src/processes/inspection-pages.ts";
import type { ProcessLog } from "../../src/processes/process-log.ts";

test("what is served before the gateway is loaded is what it serves", async () => {
  const nobody: InspectionSource = { watch: () => Promise.reject(new Error("not asked")) };
  const nowhere: InspectionSink = {
    publish: () => true,
    put: async () => {},
    remove: async () => {},
    define: async () => {},
  };
  const options = {
    source: nobody,
    sink: nowhere,
    redact: (value: unknown) => value,
    host: { hostname: "h", version: "0" },
    config: { enabled: true, redact: [], origins: ["https://a.example.org"], statelyBridge: false },
    log: { warn: () => {}, error: () => {} } as unknown as ProcessLog,
  };
  const lazy = lazyInspection(options).extensions;
  const real = inspectionGateway({ ...options, pages: inspectionPages });
  const pagesOf = ({ pages = [] }: typeof lazy) =>
    pages.map(({ path, open = false }) => `${path} ${open}`).sort();
  const upgradesOf = ({ upgrades = [] }: typeof lazy) =>
    upgrades.map(({ path, tokenInQuery = false }) => `${path} ${tokenInQuery}`).sort();
  expect(pagesOf(lazy)).toEqual(pagesOf(real.extensions));
  expect(upgradesOf(lazy)).toEqual(upgradesOf(real.extensions));
  expect(lazy.origins).toEqual(real.extensions.origins);
  await real.close();
});
