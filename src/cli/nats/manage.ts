import { withoutPasswords } from "../../config/explain.ts";
import type { Config } from "../../config/variables.ts";
import {
  type DetachedServer,
  natsStatus,
  startDetachedServer,
  stopDetachedServer,
} from "../../nats-server/detached.ts";
import { describeDurability } from "../../nats-server/durability.ts";
import { installNatsServer } from "../../nats-server/install.ts";
import { readServerInfo } from "../../nats-server/server-info.ts";
import type { ServerLine } from "../../nats-server/versions.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Format, printRecord } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import {
  binaryToStart,
  DEFAULT_PORT,
  DEFAULT_URL,
  serverDurability,
  storeDirOf,
} from "./sources.ts";

interface OutputOptions {
  readonly output: Format;
}

export interface InstallOptions extends OutputOptions {
  /** Nothing is printed unless it fails. */
  readonly quiet: boolean;
  readonly line: ServerLine;
}

/** `batuta nats install`: puts a nats-server into the cache, unless it is there. */
export async function install(
  { paths }: Config,
  { quiet, line, output }: InstallOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const onProgress = (text: string) => (quiet ? undefined : terminal.say(text));
  const server = await installNatsServer({ cacheDir: paths.cacheDir, line, onProgress });
  if (quiet) return EXIT.ok;
  terminal.say(`nats-server ${server.version} is installed (from ${server.source})`);
  printRecord(terminal, output, server, [server.path]);
  return EXIT.ok;
}

export interface StartOptions extends OutputOptions {
  readonly port?: number;
}

/** `batuta nats start`: a nats-server that stays when this command has ended. */
export async function start(
  config: Config,
  { port = DEFAULT_PORT, output }: StartOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const { url } = config.nats;
  const say = (line: string) => terminal.say(line);
  const source = url === undefined ? await binaryToStart(config, say) : externalServer(url);
  const { server, started } = await startDetachedServer({
    server: source,
    storeDir: storeDirOf(config),
    port,
    durability: serverDurability(config),
  });
  if (!started) terminal.say("it was running already");
  printRecord(terminal, output, server, serverLines(server));
  return EXIT.ok;
}

/** It is refused, with the reason. */
const externalServer = (url: string) => ({ kind: "external", url }) as const;

/** `batuta nats stop`. */
export async function stop(
  config: Config,
  { output }: OutputOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const server = await stopDetachedServer(storeDirOf(config));
  const text = `stopped nats-server ${server.version} (process ${server.pid}); its data stays in ${server.storeDir}`;
  printRecord(terminal, output, server, [text]);
  return EXIT.ok;
}

/** `batuta nats status`: the server that BATUTA_NATS_URL names, else that of the data directory. */
export async function status(
  config: Config,
  { output }: OutputOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const { url } = config.nats;
  if (url !== undefined) return externalStatus(url, output, terminal);
  const storeDir = storeDirOf(config);
  const found = await natsStatus(storeDir);
  printRecord(terminal, output, found, statusLines(found, storeDir));
  return found.state === "stopped" ? EXIT.notFound : EXIT.ok;
}

async function externalStatus(url: string, output: Format, terminal: Terminal): Promise<ExitCode> {
  const info = await readServerInfo(url);
  const record = { state: "external", url: withoutPasswords(url), ...info };
  const jetstream = info.jetstream ? "with JetStream" : "WITHOUT JetStream: start it with -js";
  printRecord(terminal, output, record, [
    `external: nats-server ${info.version} at ${record.url}, ${jetstream}`,
  ]);
  return EXIT.ok;
}

type Status = Awaited<ReturnType<typeof natsStatus>>;

function statusLines(found: Status, storeDir: string): readonly string[] {
  switch (found.state) {
    case "running":
      return serverLines(found.server);
    case "supervised":
      return [`running on ${storeDir} as part of process ${found.ownerPid}, and ends with it`];
    case "stopped":
      return [`stopped: no nats-server runs on ${storeDir} (start one with \`batuta nats start\`)`];
  }
}

function serverLines({ version, pid, url, storeDir, durability }: DetachedServer): string[] {
  return [
    `nats-server ${version} is running (process ${pid})`,
    `  url         ${url}`,
    `  data        ${storeDir}`,
    `  durability  ${describeDurability(durability)}`,
    ...(url === DEFAULT_URL ? [] : [`  export BATUTA_NATS_URL=${url}`]),
  ];
}
