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
