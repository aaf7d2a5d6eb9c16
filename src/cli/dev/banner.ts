import { withoutPasswords } from "../../config/explain.ts";
import { describeDurability } from "../../nats-server/durability.ts";
import { VERSION } from "../../processes/version.ts";
import type { ServerInUse } from "../nats/server-in-use.ts";
import type { Paint } from "../terminal.ts";

/** What `batuta dev` has started. */
export interface DevFacts {
  readonly server: Pick<ServerInUse, "url" | "version" | "durability" | "storeDir">;
  /** Undefined where HTTP is switched off. */
  readonly httpUrl: string | undefined;
  /** Of the page that shows the actors; undefined where it is not served. */
  readonly inspectUrl: string | undefined;
  /** The broker that it joins, if any. */
  readonly amqp: { readonly server: string; readonly prefix: string } | undefined;
  readonly workers: readonly string[];
  readonly slots: number;
  /** Whether each of the workers was healthy in time. */
  readonly ready: boolean;
  /** What other terminals must set so that their commands find this server. */
  readonly exports: Readonly<Record<string, string>>;
}

const HELLO =
  '{"name":"hello","version":1,"nodes":[{"id":"greet","type":"set","config":{"value":"Hello {{ inputs.name }}"}}]}';

/** What people read once everything runs. */
export function bannerLines(facts: DevFacts, paint: Paint): readonly string[] {
  const { server, httpUrl, inspectUrl, amqp, workers, slots, ready, exports } = facts;
  const { url, version, durability, storeDir } = server;
  const safeUrl = withoutPasswords(url);
  const unready = ready ? "" : "; NOT healthy yet, see above";
  const row = (name: string, text: string) => `  ${paint("dim", name.padEnd(10))}  ${text}`;
  return [
    "",
    paint("bold", `Batuta ${VERSION} is running`),
    row("NATS", `${safeUrl} (nats-server ${version})`),
    row("durability", describeDurability(durability)),
    row("data", storeDir ?? "kept by the server"),
    row("HTTP", httpUrl === undefined ? "off" : `${httpUrl}/orchestrator/health`),
    row("actors", inspectUrl ?? "not shown"),
    ...(amqp === undefined
      ? []
      : [row("AMQP", `${amqp.server}, flows from the queues ${amqp.prefix}.flows.<lane>`)]),
    row("workers", `${workers.join(", ") || "none"} (${slots} slots each${unready})`),
    "",
    "Try it in another terminal:",
    ...Object.entries(exports).map(
      ([name, value]) => `  export ${name}=${withoutPasswords(value)}`,
    ),
    `  echo '${HELLO}' | npx batuta submit - --input name=you --wait`,
    `  npx batuta workers`,
    "Ctrl-C stops everything.",
    "",
  ];
}

/** The same for programs: one object on standard output. */
export function bannerRecord(facts: DevFacts): object {
  const { server, httpUrl, inspectUrl, amqp, workers, ready } = facts;
  const { url, version, durability, storeDir } = server;
  return {
    natsUrl: url,
    natsVersion: version,
    durability,
    dataDir: storeDir ?? null,
    httpUrl: httpUrl ?? null,
    inspectUrl: inspectUrl ?? null,
    amqp: amqp ?? null,
    workers,
    ready,
    pid: process.pid,
  };
}
