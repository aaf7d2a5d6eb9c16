import { type ClientReadableStream, credentials, loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { onTestFinished } from "vitest";

const PROTO = new URL("./externalscaler.proto", import.meta.url).pathname;
export const REF = {
  name: "batuta-worker",
  namespace: "flows",
  scalerMetadata: { scalerAddress: "x" },
};

interface ScalerClient {
  close(): void;
  [method: string]: unknown;
}

/** What KEDA would be: a client made by a library from the contract. */
export function kedaClient(port: number) {
  const definition = loadSync(PROTO, { longs: Number, defaults: true });
  const { externalscaler } = loadPackageDefinition(definition) as unknown as {
    externalscaler: {
      ExternalScaler: new (address: string, credentials: unknown) => ScalerClient;
    };
  };
  const client = new externalscaler.ExternalScaler(
    `127.0.0.1:${port}`,
    credentials.createInsecure(),
  );
  onTestFinished(() => client.close());
  const ask = (method: string, request: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const call = client[method] as (...args: unknown[]) => void;
      const reply = (error: Error | null, answer: unknown) =>
        error === null ? resolve(answer) : reject(error);
      call.call(client, request, reply);
    });
  const stream = (method = "StreamIsActive") => {
    const call = client[method] as (request: object) => ClientReadableStream<object>;
    return pushes(call.call(client, REF));
  };
  return { ask, stream };
}

/** Everything that a stream tells, one after the other, and how it ended. */
function pushes(call: ClientReadableStream<object>) {
  const told: object[] = [];
  let arrived = () => {};
  const ended = new Promise<string>((resolve) => {
    call.on("error", (error) => resolve(error.message));
    call.on("end", () => resolve("end"));
  });
  call.on("data", (message: object) => {
    told.push(message);
    arrived();
  });
  const until = async (count: number) => {
    while (told.length < count) await new Promise<void>((resolve) => (arrived = resolve));
    return told;
  };
  return { told, until, ended, cancel: () => call.cancel() };
}
