import {
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { type ConnectionOptions, connect, type NatsConnection } from "nats";
import { UnreachableError } from "../domain/errors.ts";
import { type BusNames, busNames } from "../messages/subjects.ts";
import { FlowEvents } from "./flow-events.ts";
import { Outbox } from "./outbox.ts";
import { RequestMux } from "./request-mux.ts";

export interface BusOptions {
  /** One or several comma-separated server addresses. */
  readonly url: string;
  /** Shown by the server's monitoring, e.g. "batuta worker w1". */
  readonly name: string;
  /** BATUTA_SUBJECT_PREFIX; empty by default. */
  readonly prefix?: string;
  /** How long the first connection may take; default 5 s. */
  readonly connectTimeoutMs?: number;
}

/** One connection to the bus with everything that hangs on it. Closed by `close` or `await using`. */
export interface Bus extends AsyncDisposable {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly kvm: Kvm;
  readonly outbox: Outbox;
  readonly mux: RequestMux;
  readonly events: FlowEvents;
  readonly names: BusNames;
  readonly serverVersion: string;
  readonly maxPayloadBytes: number;
  /** Flushes what was published, then closes. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Connects once and then for ever: after the first success the client reconnects without limit.
 *
 * @throws UnreachableError when no server answers, or it has no JetStream.
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const nc = await connectTo(options);
  try {
    return await busOn(nc, options);
  } catch (cause) {
    await nc.close();
    throw new UnreachableError(
      `the server at ${nc.getServer()} answers but JetStream does not: start it with -js`,
      { cause },
    );
  }
}

async function connectTo(options: BusOptions): Promise<NatsConnection> {
  const { servers, login } = readAddresses(options.url);
  const settings: ConnectionOptions = {
    servers,
    ...login,
    name: options.name,
    timeout: options.connectTimeoutMs ?? 5_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    // A link that is cut without a word is noticed after 8 to 12 s, about when a silent worker is given up.
    pingInterval: 4_000,
    maxPingOut: 2,
    // One Error stack per request costs more than the request itself (research/nats.md 5).
    noAsyncTraces: true,
  };
  try {
    return await connect(settings);
  } catch (cause) {
    throw new UnreachableError(
      `no NATS server answers at ${servers.join(",")}: start one with \`batuta nats start\` or set BATUTA_NATS_URL`,
      { cause },
    );
  }
}

/** The client reads only host and port of an address; a user in it is handed over beside it. */
function readAddresses(url: string): {
  servers: string[];
  login: { user?: string; pass?: string; token?: string };
} {
  const servers = url.split(",").map((server) => server.trim());
  const found = servers
    .map((server) => /^(?:[a-z]+:\/\/)?([^@/]+)@/.exec(server)?.[1])
    .find(Boolean);
  if (found === undefined) return { servers, login: {} };
  const bare = servers.map((server) => server.replace(/^([a-z]+:\/\/)?[^@/]+@/, "$1"));
  const [user = "", pass] = found.split(":").map(decodeURIComponent);
  return { servers: bare, login: pass === undefined ? { token: user } : { user, pass } };
}

async function busOn(nc: NatsConnection, options: BusOptions): Promise<Bus> {
  const jsm = await jetstreamManager(nc, { timeout: 5_000 });
  const js = jetstream(nc, { timeout: 5_000 });
  const outbox = new Outbox(nc);
  const mux = new RequestMux(nc, outbox);
  const names = busNames(options.prefix);
  const serverVersion = nc.info?.version ?? "0.0.0";
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= closeConnection(nc, mux, outbox));
  return {
    nc,
    js,
    jsm,
    kvm: new Kvm(js),
    outbox,
    mux,
    events: new FlowEvents({ nc, outbox, names }),
    names,
    serverVersion,
    maxPayloadBytes: nc.info?.max_payload ?? 1_048_576,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** drain() flushes and waits for callbacks; on a connection that is gone it cannot, so close() ends it. */
async function closeConnection(nc: NatsConnection, mux: RequestMux, outbox: Outbox): Promise<void> {
  mux.close();
  outbox.flush();
  if (nc.isClosed()) return;
  const drained = nc.drain().catch(() => nc.close());
  const late = AbortSignal.timeout(3_000);
  await Promise.race([
    drained,
    new Promise<void>((resolve) => late.addEventListener("abort", () => resolve())),
  ]);
  if (!nc.isClosed()) await nc.close();
}
