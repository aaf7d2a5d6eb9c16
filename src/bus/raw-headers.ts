import type { MsgHdrs } from "nats";

const encoder = new TextEncoder();

/**
 * Headers as ready-made bytes. The client's own MsgHdrs builds a map and encodes it on every
 * publish; on the hot paths the same few headers go out tens of thousands of times a second. The
 * client only ever calls `encode()` on what it is given (nats-core protocol.js `publish`).
 */
export function rawHeaders(lines: readonly (readonly [name: string, value: string])[]): MsgHdrs {
  let text = "NATS/1.0\r\n";
  for (const [name, value] of lines) text += `${name}: ${value}\r\n`;
  const bytes = encoder.encode(`${text}\r\n`);
  return { encode: () => bytes } as unknown as MsgHdrs;
}
