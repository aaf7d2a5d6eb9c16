import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";

/** Where an API is served. */
export interface Endpoint {
  readonly url: string;
  /** The certificate of who may sign the server's, in PEM; by default those of the system. */
  readonly ca: string | undefined;
  readonly token: string | undefined;
}

export interface JsonCall {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
}

export interface JsonAnswer {
  readonly status: number;
  /** What the body says, where it is JSON. */
  readonly body: unknown;
  /** The body as it came, of use where it is no JSON. */
  readonly text: string;
}

/** Far more than any answer that is asked for here. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/**
 * One request and its whole answer. Each has a connection of its own: there are a few in a minute, and
 * nothing has to be closed.
 *
 * Rejects with the error of the system, also when the signal ends it.
 */
export function callJson(
  { url, ca, token }: Endpoint,
  { method, path, body, contentType = "application/json" }: JsonCall,
  signal: AbortSignal,
): Promise<JsonAnswer> {
  const headers = {
    accept: "application/json",
    ...(body === undefined ? {} : { "content-type": contentType }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  const options = { method, headers, signal, agent: false, ...(ca === undefined ? {} : { ca }) };
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), options);
    sent.once("error", reject);
    sent.once("response", (response) => void readAll(response).then(resolve, reject));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function readAll(response: IncomingMessage): Promise<JsonAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is over ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  return { status: response.statusCode ?? 0, body: parsed(text), text };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What the API says about a refusal, for people. */
export function messageOf({ status, body, text }: JsonAnswer): string {
  const { message } = (body ?? {}) as { message?: unknown };
  const told = typeof message === "string" ? message : text.slice(0, 200);
  return told === "" ? `status ${status}` : `${told} (status ${status})`;
}
