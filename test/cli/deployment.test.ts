import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { loadConfig } from "../../src/config/load.ts";
import { allRows } from "../../src/config/variables.ts";
import { LINE_SOURCES } from "../../src/nats-server/versions.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string) => readFileSync(at(path), "utf8");
const compose = read("docker-compose.yml");
const dockerfile = read("Dockerfile");

/**
 * The mappings of a YAML file in block style as "a.b.c" -> text. Enough for this one file: merge
 * keys are followed, lists and quoting are left as they stand.
 */
function readMappings(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const anchors = new Map<string, string>();
  const path: string[] = [];
  for (const line of text.split("\n")) {
    const [, indent = "", key = "", value = ""] = /^( *)([^\s#-][^:]*): ?(.*)$/.exec(line) ?? [];
    if (key === "") continue;
    path.splice(indent.length / 2, path.length, key);
    const here = path.join(".");
    const anchor = /^&(\S+)$/.exec(value)?.[1];
    const alias = /^\*(\S+)$/.exec(value)?.[1];
    if (anchor !== undefined) anchors.set(anchor, here);
    else if (alias === undefined) found.set(here, value);
    else copy(found, anchors.get(alias) ?? `(no anchor ${alias})`, here.replace(/\.<<$/, ""));
  }
  return found;
}

function copy(found: Map<string, string>, from: string, to: string): void {
  const below = [...found].filter(([path]) => path.startsWith(`${from}.`));
  if (below.length === 0) throw new Error(`nothing is at ${from}`);
  for (const [path, value] of below) found.set(to + path.slice(from.length), value);
}

const mappings = readMappings(compose);
const services = [
  ...new Set([...mappings.keys()].flatMap((path) => /^services\.([^.]+)\./.exec(path)?.[1] ?? [])),
];

test("compose has NATS, an orchestrator and two workers, indented by two spaces", () => {
  expect(services).toEqual(["nats", "orchestrator", "worker-1", "worker-2"]);
  expect(compose).not.toContain("\t");
  for (const line of compose.split("\n"))
    expect(/^ */.exec(line)?.[0].length ?? 0).toSatisfy(isEven);
});

const isEven = (length: number) => length % 2 === 0;

test("every setting in the deployment files is one that Batuta knows", () => {
  const named = `${compose}\n${dockerfile}`.match(/BATUTA_[A-Z_]+/g) ?? [];
  const known = allRows().map(({ variable }) => variable.name as string);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});

test("docker gives containers longer to stop than Batuta takes", () => {
  const { process, worker } = loadConfig({ env: {} });
  for (const service of services.filter((name) => name !== "nats")) {
    const grace = mappings.get(`services.${service}.stop_grace_period`) ?? "";
    expect(Number(grace.replace(/s$/, "")) * 1_000).toBeGreaterThan(process.shutdownTimeoutMs);
  }
  expect(process.shutdownTimeoutMs).toBeGreaterThan(worker.drainTimeoutMs);
});

test("HTTP that leaves the container has a token, and ports are published on loopback only", () => {
  const orchestrator = (name: string) => mappings.get(`services.orchestrator.environment.${name}`);
  expect(orchestrator("BATUTA_HTTP_HOST")).toBe("0.0.0.0");
  expect(orchestrator("BATUTA_HTTP_TOKEN")).toMatch(/^\$\{BATUTA_HTTP_TOKEN:\?.+\}$/);
  const published = compose.match(/^ +- ".*\d:\d+"$/gm) ?? [];
  expect(published.map((line) => line.trim())).toEqual([
    '- "127.0.0.1:4222:4222"',
    '- "127.0.0.1:3000:3000"',
  ]);
});

test("NATS is the pinned release, with JetStream, monitoring and a volume", () => {
  const { release } = LINE_SOURCES.newest;
  expect(mappings.get("services.nats.image")).toBe(`nats:${release}-alpine`);
  expect(mappings.get("services.nats.command")).toBe('["-js", "-sd", "/data", "-m", "8222"]');
  expect(compose).toContain("      - nats-data:/data");
  expect(mappings.has("volumes.nats-data")).toBe(true);
});

test("workers wait for a healthy NATS, have ids of their own and are checked by them", () => {
  const ids = ["worker-1", "worker-2"].map((service) => {
    const of = (path: string) => mappings.get(`services.${service}.${path}`);
    expect(of("depends_on.nats.condition")).toBe("service_healthy");
    expect(of("command")).toBe('["worker"]');
    expect(of("healthcheck.test")).toContain('workers "$$BATUTA_WORKER_ID"');
    return of("environment.BATUTA_WORKER_ID");
  });
  expect(new Set(ids).size).toBe(2);
});

test("what the containers are told to run are commands of Batuta", () => {
  const program = buildProgram({ terminal: fakeTerminal(), finish: () => {} });
  const names = program.commands.map((command) => command.name());
  const told = [...mappings].filter(([path]) => /^services\.(?!nats\.)[^.]+\.command$/.test(path));
  expect(told).toHaveLength(3);
  for (const [, value] of told) expect(names).toContain(JSON.parse(value)[0]);
  expect(names).toContain(JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]")[0]);
});

test("the image is run by a user without rights, starts Batuta and is checked on /livez", () => {
  const runtime = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
  expect(runtime).toMatch(/^USER node$/m);
  expect(runtime).toContain('ENTRYPOINT ["node", "/app/bin/batuta.js"]');
  expect(runtime).toMatch(/^HEALTHCHECK [\s\S]*\/livez/m);
  expect(runtime).toContain("npm ci --omit=dev --ignore-scripts");
  expect(existsSync(at("bin/batuta.js"))).toBe(true);
});

test("what the image copies is there, and sent to the builder", () => {
  const sent = read(".dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("!"));
  const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)];
  const sources = copies.flatMap(([, list = ""]) => list.split(" "));
  expect(sources).toContain("src");
  for (const source of sources) {
    expect(existsSync(at(source)), source).toBe(true);
    expect(sent).toContain(`!${source}`);
  }
});
