import { NodeError } from "../../domain/errors.ts";
import { permanentError } from "../safe-error.ts";

/**
 * The body of a response: parsed where it is JSON, text where it is text, else base64 with
 * `encoding: "base64"`; null where it is empty.
 *
 * @throws NodeError OUTPUT_TOO_LARGE as soon as more than `maxBytes` have come; BAD_RESPONSE for
 * JSON that is none.
 */
export async function readBody(
  response: Response,
  maxBytes: number,
): Promise<{ body: unknown; encoding?: "base64" }> {
  const bytes = await readBytes(response, maxBytes);
  const mediaType = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (bytes.length === 0) return { body: null };
  if (isJson(mediaType)) return { body: parseJson(bytes) };
  if (isText(mediaType)) return { body: bytes.toString("utf8") };
  return { body: bytes.toString("base64"), encoding: "base64" };
}

/** The beginning of a body as one line, for a message. */
export async function readBeginning(response: Response, chars: number): Promise<string> {
  const bytes = await readBytes(response, 64 * 1024).catch(() => Buffer.alloc(0));
  return bytes
    .toString("utf8", 0, chars * 4)
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, chars);
}

async function readBytes(response: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the body, which closes the connection.
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (thrown) {
    throw badResponse(thrown);
  }
}

function isJson(mediaType: string | undefined): boolean {
  return mediaType === "application/json" || mediaType?.endsWith("+json") === true;
}

function isText(mediaType: string | undefined): boolean {
  if (mediaType === undefined || mediaType.startsWith("text/")) return true;
  if (mediaType.endsWith("+xml") || mediaType === "application/xml") return true;
  return mediaType === "application/x-www-form-urlencoded" || mediaType.endsWith("/javascript");
}

function badResponse(cause: unknown): NodeError {
  const message = "the response says that it is JSON and is not";
  return new NodeError("BAD_RESPONSE", message, { cause, retryable: false });
}

function tooLarge(maxBytes: number): NodeError {
  return permanentError("OUTPUT_TOO_LARGE", `the response is larger than ${maxBytes} bytes`);
}
