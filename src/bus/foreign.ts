import type { Msg } from "nats";
import type { HeaderLines } from "./publish.ts";

/**
 * What others send is read here and never throws: an exception in a subscription's callback ends the
 * client's reader, and the connection hears nothing more until it is found stale.
 */

/** The body as JSON; undefined when it is not. Its shape is still to be checked. */
export function jsonOf<T>(msg: Pick<Msg, "json">): T | undefined {
  try {
    return msg.json<T>();
  } catch {
    return undefined;
  }
}

/**
 * The headers in order; undefined when they cannot be read. The server stores header blocks
 * unchecked, and the client's decoder throws on a name or value that it does not take.
 */
export function headersOf(msg: Pick<Msg, "headers">): HeaderLines | undefined {
  try {
    const { headers } = msg;
    if (headers === undefined) return [];
    return headers
      .keys()
      .flatMap((name) => headers.values(name).map((value): [string, string] => [name, value]));
  } catch {
    return undefined;
  }
}
