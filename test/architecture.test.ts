import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** Path from the root of the repository, with "/", to the text of the file. */
type Tree = ReadonlyMap<string, string>;

interface Floor {
  /** The other folders that it may import. Its own is always allowed. */
  readonly may: readonly string[];
  readonly reason: string;
}

const PURE = ["src/domain", "src/messages"];
const ADAPTERS = [
  "src/bus",
  "src/engine",
  "src/bridge",
  "src/http",
  "src/inspect",
  "src/provisioners",
  "src/telemetry",
  "src/nats-server",
];
const BELOW_PROCESSES = ["actors", "src/kernel", "src/client", "src/config", ...PURE, ...ADAPTERS];

/** The floors of DESIGN C1. A folder that is not named here fails the test until it is. */
const FLOORS: Readonly<Record<string, Floor>> = {
  "src/domain": { may: [], reason: "plain data and pure functions: a table of cases tests it" },
  "src/messages": { may: ["src/domain"], reason: "the wire format changes in one place" },
  actors: { may: PURE, reason: "opens in the visualizer and is tested without a server" },
  "src/kernel": { may: ["src/domain"], reason: "runs any machine, so it knows none" },
  ...Object.fromEntries(
    ADAPTERS.map((adapter) => [
      adapter,
      { may: [...PURE, "src/kernel"], reason: "adapters are replaced and tested one by one" },
    ]),
  ),
  "src/config": { may: PURE, reason: "settings are read before anything runs" },
  "src/client": {
    may: [...PURE, "src/bus", "src/engine", "src/config"],
    reason: "a program that submits flows carries no server",
  },
  "src/testing": { may: [...PURE, "src/kernel"], reason: "published for the tests of others" },
  "src/processes": { may: BELOW_PROCESSES, reason: "wires everything, and is wired by the CLI" },
  "src/cli": { may: [...BELOW_PROCESSES, "src/processes"], reason: "the outermost" },
  "src/index.ts": { may: [...BELOW_PROCESSES, "src/processes"], reason: "the public names" },
};

/** Libraries that one place hides from all others. */
const HIDDEN: Readonly<Record<string, readonly string[]>> = {
  xstate: ["actors", "src/kernel"],
  hono: ["src/http"],
  "@hono/node-server": ["src/http"],
  amqplib: ["src/bridge"],
  "prom-client": ["src/telemetry"],
  ws: ["src/inspect"],
};

/** What a program that only submits flows must not load. */
const NOT_IN_CLIENT = ["xstate", "hono", "@hono/node-server", "amqplib", "prom-client", "ws"];

interface Import {
  readonly from: string;
  /** A path of the tree, or the name of a package. */
  readonly to: string;
  readonly isPackage: boolean;
  /** Gone when the program runs. */
  readonly isType: boolean;
}

/** One line for each import that its floor does not allow, and each reader of the environment. */
function violations(tree: Tree): string[] {
  return [...tree].flatMap(([file, text]) => {
    const floor = floorOf(file);
    if (floor === undefined) return [`${file}: is on no floor`];
    const broken = importsOf(file, text).filter((each) => !isAllowed(each, floor));
    const lines = broken.map(({ to }) => `${file} imports ${to}: ${reasonFor(to, floor)}`);
    return readsEnvironment(text) && floor !== "src/config"
      ? [...lines, `${file} reads process.env: settings are read in src/config`]
      : lines;
  });
}

function isAllowed({ to, isPackage }: Import, floor: string): boolean {
  if (isPackage) return HIDDEN[to]?.includes(floor) ?? true;
  const target = floorOf(to);
  return target === floor || (FLOORS[floor] as Floor).may.includes(target ?? "");
}

function reasonFor(to: string, floor: string): string {
  const hidden = HIDDEN[to];
  return hidden ? `only ${hidden.join(" and ")} may` : (FLOORS[floor] as Floor).reason;
}

function floorOf(file: string): string | undefined {
  return Object.keys(FLOORS).find((floor) => file === floor || file.startsWith(`${floor}/`));
}

const STATIC = /^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?["']([^"']+)["']/gm;
const DYNAMIC = /\bimport\(\s*["']([^"']+)["']/g;

function importsOf(file: string, text: string): Import[] {
  const code = withoutComments(text);
  const found = [
    ...[...code.matchAll(STATIC)].map(([, type, to]) => ({ to: to as string, isType: !!type })),
    ...[...code.matchAll(DYNAMIC)].map(([, to]) => ({ to: to as string, isType: false })),
  ];
  return found.map(({ to, isType }) =>
    to.startsWith(".")
      ? { from: file, to: posix.join(posix.dirname(file), to), isPackage: false, isType }
      : { from: file, to: packageOf(to), isPackage: true, isType },
  );
}

/** "hono/secure-headers" is hono, "@hono/node-server/x" is @hono/node-server. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

/** A suppression of the linter carries its reason and counts. */
function readsEnvironment(text: string): boolean {
  const lines = text.split("\n");
  return lines.some((line, i) => {
    const isExcused = /biome-ignore .*noProcessEnv/.test(lines[i - 1] ?? "");
    return /\bprocess\.env\b/.test(withoutComments(line)) && !isExcused && !/^\s*\*/.test(line);
  });
}

/** The packages that are loaded when these files are. */
function packagesLoadedBy(tree: Tree, starts: readonly string[]): Set<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const open = [...starts];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const { to, isPackage, isType } of importsOf(file, tree.get(file) ?? "")) {
      if (isType) continue;
      if (isPackage) packages.add(to);
      else open.push(to);
    }
  }
  return packages;
}

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

function readTree(folders: readonly string[]): Tree {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
  );
  return new Map(
    files.map((file) => [file.replaceAll("\\", "/"), readFileSync(join(root, file), "utf8")]),
  );
}

describe("the floors", () => {
  const tree = readTree(["actors", "src"]);

  test("nobody imports upwards or sideways, and libraries stay where they are hidden", () => {
    expect(violations(tree)).toEqual([]);
  });

  test("every folder that exists was looked at, with its imports", () => {
    const floors = Object.keys(FLOORS).filter((floor) => existsSync(join(root, floor)));
    expect(floors).toEqual(expect.arrayContaining(["actors", "src/domain", "src/kernel"]));
    for (const floor of floors) {
      const files = [...tree.keys()].filter((file) => floorOf(file) === floor);
      expect(files.length, floor).toBeGreaterThan(0);
      const imports = files.flatMap((file) => importsOf(file, tree.get(file) ?? ""));
      expect(imports.length, floor).toBeGreaterThan(0);
      for (const { from, to, isPackage } of imports) {
        if (!isPackage && to.endsWith(".ts"))
          expect(tree.has(to), `${from} imports ${to}`).toBe(true);
      }
    }
  });

  test("the kernel keeps the types of its library to itself", () => {
    const importers = [...tree].filter(
      ([file, text]) =>
        floorOf(file) === "src/kernel" && importsOf(file, text).some(({ to }) => to === "xstate"),
    );
    expect(importers.map(([file]) => file).sort()).toEqual([
      "src/kernel/hosted-actor.ts",
      "src/kernel/inspection.ts",
      "src/kernel/snapshots.ts",
    ]);
  });

  test("a program that submits flows loads no statecharts and no servers", () => {
    const starts = [...tree.keys()].filter((file) => floorOf(file) === "src/client");
    const loaded = packagesLoadedBy(tree, starts);
    expect(loaded).toContain("nats");
    expect(NOT_IN_CLIENT.filter((name) => loaded.has(name))).toEqual([]);
  });
});

describe("the checker", () => {
  /** What it says about one file with this text, in a tree with one file on each floor. */
  const check = (file: string, text: string) => {
    const others = Object.keys(FLOORS).map((floor): [string, string] =>
      floor.endsWith(".ts") ? [floor, ""] : [`${floor}/a.ts`, 'import { z } from "zod";'],
    );
    return violations(new Map([...others, [file, text]]));
  };

  test.each([
    ["src/domain/x.ts", 'import { a } from "../messages/a.ts";'],
    ["src/domain/x.ts", 'import type { A } from "../bus/a.ts";'],
    ["src/messages/x.ts", 'export { a } from "../bus/a.ts";'],
    ["src/messages/x.ts", 'export * from "../kernel/a.ts";'],
    ["actors/x.ts", 'import { a } from "../src/kernel/a.ts";'],
    ["actors/deep/x.ts", 'import "../../src/bus/a.ts";'],
    ["src/kernel/x.ts", 'import { a } from "../../actors/a.ts";'],
    ["src/http/x.ts", 'import { a } from "../bus/a.ts";'],
    ["src/http/x.ts", 'import {\n  a,\n  b,\n} from "../engine/a.ts";'],
    ["src/bus/x.ts", 'const a = await import("../http/a.ts");'],
    ["src/inspect/x.ts", 'import { a } from "../../actors/a.ts";'],
    ["src/client/x.ts", 'import { a } from "../processes/a.ts";'],
    ["src/processes/x.ts", 'import { a } from "../cli/a.ts";'],
    ["src/bus/x.ts", 'import { createActor } from "xstate";'],
    ["src/processes/x.ts", 'import { getShortestPaths } from "xstate/graph";'],
    ["src/processes/x.ts", 'import { Hono } from "hono";'],
    ["src/http/x.ts", 'import { WebSocketServer } from "ws";'],
    ["src/cli/x.ts", 'import { secureHeaders } from "hono/secure-headers";'],
    ["src/bus/x.ts", "const url = process.env.BATUTA_NATS_URL;"],
    ["src/newcomer/x.ts", ""],
  ])("finds what is wrong in %s: %s", (file, text) => {
    expect(check(file, text)).toEqual([expect.stringContaining(file)]);
  });

  test.each([
    ["src/messages/x.ts", 'import { a } from "../domain/a.ts";\nimport { b } from "./b.ts";'],
    ["actors/x.ts", 'import { setup } from "xstate";'],
    ["src/processes/x.ts", 'import { a } from "../../actors/a.ts";'],
    ["src/config/x.ts", "const url = process.env.BATUTA_NATS_URL;"],
    ["src/bus/x.ts", '// import { a } from "../http/a.ts";\n/* import "xstate"; */'],
    ["src/bus/x.ts", "// biome-ignore lint/style/noProcessEnv: why\nconst p = process.env.PATH;"],
    ["src/bus/x.ts", 'const text = "taken from"; const other = "xstate";'],
  ])("finds nothing wrong in %s: %s", (file, text) => {
    expect(check(file, text)).toEqual([]);
  });

  test("follows what is loaded through other files, but not types", () => {
    const tree: Tree = new Map([
      ["src/client/a.ts", 'import { b } from "../bus/b.ts";\nimport type { C } from "./c.ts";'],
      ["src/bus/b.ts", 'export { x } from "./x.ts";'],
      ["src/bus/x.ts", 'import "xstate/graph";'],
      ["src/client/c.ts", 'import "hono";'],
    ]);
    expect([...packagesLoadedBy(tree, ["src/client/a.ts"])]).toEqual(["xstate"]);
  });
});
