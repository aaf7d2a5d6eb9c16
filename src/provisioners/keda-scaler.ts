import type {
  Server,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
} from "@grpc/grpc-js";
import { ConfigError } from "../domain/errors.ts";
import { isActiveResponse, metricSpecResponse, metricsResponse } from "./keda-messages.ts";

type Grpc = typeof import("@grpc/grpc-js");

/** How many workers there are to be, for those who ask and those who wait. */
export interface DesiredWorkers {
  /** Undefined while nobody knows: KEDA is refused, and does as its `fallback` says. */
  desired(): number | undefined;
  /** Calls back when the number may have changed. Returns how to stop it. */
  onChange(listener: () => void): () => void;
}

export interface KedaScalerOptions {
  readonly source: DesiredWorkers;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Loads gRPC; only another one in tests. */
  readonly load?: () => Promise<Grpc>;
}

export interface KedaScaler extends AsyncDisposable {
  readonly port: number;
  /** How many of KEDA's streams are open. */
  readonly streams: number;
}

/** After that, calls which do not end are cut off. */
const SHUTDOWN_MS = 2_000;

/**
 * Serves KEDA's external-push scaler: `externalscaler.ExternalScaler`. The push wakes a Deployment of no
 * pods at once; KEDA itself would look at its polling interval only.
 *
 * @throws ConfigError where gRPC is not installed, or the port cannot be had.
 */
export async function serveKedaScaler(options: KedaScalerOptions): Promise<KedaScaler> {
  const grpc = await loaded(options.load ?? (() => import("@grpc/grpc-js")));
  const server = new grpc.Server();
  const streams = new Set<Stream>();
  server.addService(serviceOf(), handlersOf(grpc, options.source, streams));
  const port = await bind(grpc, server, options);
  return {
    port,
    get streams() {
      return streams.size;
    },
    async [Symbol.asyncDispose]() {
      for (const stream of streams) stream.end();
      await shutDown(server);
    },
  };
}

async function loaded(load: () => Promise<Grpc>): Promise<Grpc> {
  try {
    return await load();
  } catch (cause) {
    throw new ConfigError(
      "the external scaler of KEDA needs gRPC: npm install @grpc/grpc-js@1.14.7, or set BATUTA_SCALING_KEDA_PORT=0 and use the trigger metrics-api, which needs nothing (docs/scaling-kubernetes.md)",
      { cause },
    );
  }
}

type Empty = Buffer;
type Stream = ServerWritableStream<Empty, Buffer>;

function serviceOf(): ServiceDefinition {
  const method = (name: string, responseStream: boolean) => ({
    path: `/externalscaler.ExternalScaler/${name}`,
    requestStream: false,
    responseStream,
    // Which ScaledObject asks does not matter: there is one number.
    requestDeserialize: (bytes: Buffer) => bytes,
    requestSerialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  });
  return {
    IsActive: method("IsActive", false),
    StreamIsActive: method("StreamIsActive", true),
    GetMetricSpec: method("GetMetricSpec", false),
    GetMetrics: method("GetMetrics", false),
  };
}

function handlersOf(grpc: Grpc, source: DesiredWorkers, streams: Set<Stream>) {
  const refusal = {
    code: grpc.status.UNAVAILABLE,
    details: "no orchestrator leads: how many workers there are to be is not known",
  };
  const answer =
    (responseOf: (desired: number) => Buffer) =>
    (_call: ServerUnaryCall<Empty, Buffer>, reply: sendUnaryData<Buffer>) => {
      const desired = source.desired();
      if (desired === undefined) reply(refusal);
      else reply(null, responseOf(desired));
    };
  return {
    IsActive: answer((desired) => isActiveResponse(desired > 0)),
    GetMetrics: answer(metricsResponse),
    GetMetricSpec: (_call: ServerUnaryCall<Empty, Buffer>, reply: sendUnaryData<Buffer>) =>
      reply(null, metricSpecResponse()),
    StreamIsActive: (stream: Stream) => push(source, stream, streams),
  };
}

/** Tells what is so at once, and then every change of it, until the client goes. */
function push(source: DesiredWorkers, stream: Stream, streams: Set<Stream>): void {
  let told: boolean | undefined;
  const tell = () => {
    const desired = source.desired();
    if (desired === undefined || desired > 0 === told) return;
    told = desired > 0;
    stream.write(isActiveResponse(told));
  };
  const stopListening = source.onChange(tell);
  const forget = () => {
    stopListening();
    streams.delete(stream);
  };
  streams.add(stream);
  for (const event of ["cancelled", "close", "finish", "error"]) stream.once(event, forget);
  tell();
}

async function bind(
  grpc: Grpc,
  server: Server,
  { host, port }: KedaScalerOptions,
): Promise<number> {
  const name = host.includes(":") ? `[${host}]` : host;
  return new Promise((resolve, reject) => {
    server.bindAsync(`${name}:${port}`, grpc.ServerCredentials.createInsecure(), (cause, bound) => {
      if (cause === null) resolve(bound);
      else reject(portTaken(`${name}:${port}`, cause));
    });
  });
}

function portTaken(address: string, cause: Error): ConfigError {
  return new ConfigError(
    `the external scaler of KEDA cannot listen on ${address} (BATUTA_SCALING_KEDA_PORT): ${cause.message}`,
    { cause },
  );
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), SHUTDOWN_MS);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
