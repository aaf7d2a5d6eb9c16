import type { Call } from "./call.ts";
import { HttpError } from "./problem.ts";

/**
 * The bytes of a request's body, empty when it has none.
 *
 * @throws HttpError 413 as soon as it is known to be larger than `limitBytes` (no more is read then),
 * 400 when the client breaks it off.
 */
export async function readBody(request: Request, limitBytes: number): Promise<Uint8Array> {
  const declared = request.headers.get("content-length");
  if (Number(declared ?? 0) > limitBytes) throw tooLarge(limitBytes);
  if (request.body === null) return new Uint8Array(0);
  try {
    if (declared !== null) return new Uint8Array(await request.arrayBuffer());
    return await readChunks(request.body, limitBytes);
  } catch (cause) {
    if (cause instanceof HttpError) throw cause;
    throw new HttpError("the body ended before it was complete", { code: "INVALID", cause });
  }
}

async function readChunks(
  body: ReadableStream<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limitBytes) throw tooLarge(limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The rest of the body is not read, so the connection cannot carry another request. */
function tooLarge(limitBytes: number): HttpError {
  const detail = `the body is larger than ${limitBytes} bytes (BATUTA_HTTP_BODY_LIMIT_BYTES)`;
  return new HttpError(detail, { code: "TOO_LARGE", headers: { connection: "close" } });
}

/**
 * The bytes of a body that says that it is JSON. Empty when there is none.
 *
 * @throws HttpError 415 for any other type, 413 when it is too large.
 */
export async function readJson(call: Call): Promise<Uint8Array> {
  const type = call.header("content-type");
  const encoding = call.header("content-encoding") ?? "identity";
  if ((type !== undefined && !isJson(type)) || encoding !== "identity")
    throw notPlainJson(type, encoding);
  const body = await call.body();
  if (type === undefined && body.length > 0) throw notPlainJson(type, encoding);
  return body;
}

function isJson(contentType: string): boolean {
  return /^application\/([\w.-]+\+)?json\s*(;\s*charset="?utf-8"?\s*)?;?$/i.test(
    contentType.trim(),
  );
}

/** Any other type is what a form on a foreign web page could send without asking the browser first. */
function notPlainJson(type: string | undefined, encoding: string): HttpError {
  const sent =
    encoding === "identity" ? (type ?? "no content type") : `content encoding ${encoding}`;
  return new HttpError(`send application/json in UTF-8, not ${sent}`, {
    code: "UNSUPPORTED_MEDIA_TYPE",
    headers: { "accept-post": "application/json" },
  });
}
