import { connect } from "node:net";
import { UnreachableError } from "../domain/errors.ts";

/** What a server says of itself before anyone logs in. */
export interface ServerInfo {
  readonly version: string;
  readonly serverName: string;
  readonly maxPayloadBytes: number;
  readonly jetstream: boolean;
}

/**
 * Reads the INFO line that a server sends to whoever connects; no credentials are needed. `url` may
 * list several servers, separated by commas: the first that answers counts.
 * @throws UnreachableError when none answers within `timeoutMs` (default 5 s) each.
 */
export async function readServerInfo(url: string, timeoutMs = 5_000): Promise<ServerInfo> {
  let cause: unknown;
  for (const each of url.split(",")) {
    try {
      return await infoOf(addressOf(each.trim()), timeoutMs);
    } catch (error) {
      cause = error;
    }
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new UnreachableError(`no nats-server answers at ${withoutSecrets(url)}: ${reason}`, {
    cause,
  });
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url.includes("://") ? url : `nats://${url}`);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? 4222 : Number(port) };
}

function infoOf(address: { host: string; port: number }, timeoutMs: number): Promise<ServerInfo> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    let text = "";
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no answer within ${timeoutMs} ms`)));
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("the connection was closed before an INFO line")));
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\r\n");
      if (end < 0) return;
      try {
        resolve(parseInfo(text.slice(0, end)));
        socket.destroy();
      } catch (error) {
        fail(error as Error);
      }
    });
  });
}

function parseInfo(line: string): ServerInfo {
  if (!line.startsWith("INFO ")) throw new Error("it is not a nats-server");
  const info = JSON.parse(line.slice(5));
  return {
    version: String(info.version),
    serverName: String(info.server_name ?? info.server_id),
    maxPayloadBytes: Number(info.max_payload),
    jetstream: info.jetstream === true,
  };
}

function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/@,]*@/g, "//***@");
}
