import { type IncomingMessage, request } from "node:http";
import { ProvisionError } from "./provisioner.ts";

/** One call of the Docker Engine API. */
export interface EngineCall {
  readonly method: "GET" | "POST" | "DELETE";
  /** Without a version: an engine serves its newest one there, old engines and new ones alike. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface EngineAnswer {
  readonly status: number;
  readonly text: string;
}

/** A list of 10,000 containers has about 10 MB. */
const MAX_ANSWER_BYTES = 32 * 1_024 * 1_024;

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT:
    "there is no such socket; is Docker installed and running? BATUTA_SCALING_DOCKER_SOCKET names another one",
  EACCES: "permission denied; this user must be allowed to use the socket (group docker)",
  EPERM: "permission denied; this user must be allowed to use the socket (group docker)",
  ECONNREFUSED: "nobody listens there; is the Docker engine running?",
  ENOTSOCK: "it is not a socket; BATUTA_SCALING_DOCKER_SOCKET names another one",
};

/** A Docker engine behind its unix socket. Each call has a connection of its own. */
export class DockerSocket {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The whole answer, whatever its status. Rejects with the reason of `signal` when that is aborted. */
  async call(call: EngineCall, signal: AbortSignal): Promise<EngineAnswer> {
    const response = await this.open(call, signal);
    try {
      return { status: response.statusCode ?? 0, text: await wholeText(response) };
    } catch (error) {
      throw this.#explained(error, signal);
    }
  }

  /** The answer from its first byte on, for what has no end. */
  open({ method, path, query, body }: EngineCall, signal: AbortSignal): Promise<IncomingMessage> {
    const search = query === undefined ? "" : `?${new URLSearchParams(query)}`;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = text === undefined ? {} : { "content-type": "application/json" };
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const sent = request({
        // The host is not used; without one, proxies and old engines stumble over an empty header.
        host: "docker",
        socketPath: this.#path,
        method,
        path: `${path}${search}`,
        headers,
        agent: false,
        signal,
      });
      sent.once("response", resolve);
      sent.on("error", (error) => reject(this.#explained(error, signal)));
      sent.end(text);
    });
  }

  #explained(error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof ProvisionError) return error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    const advice = ADVICE[code] ?? message;
    return new ProvisionError(`the Docker engine at ${this.#path}: ${advice}`, { cause: error });
  }
}

async function wholeText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new ProvisionError(`the Docker engine sends more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
