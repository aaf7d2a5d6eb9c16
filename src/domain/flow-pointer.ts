import type { FlowConnection } from "./flow.ts";

/** A JSON Pointer (RFC 6901) below `base`; keys are escaped, numbers are array indexes. */
export function pointerTo(base: string, ...keys: readonly (string | number)[]): string {
  return keys.reduce<string>((pointer, key) => `${pointer}/${escapeKey(String(key))}`, base);
}

/** Where one end of a connection stands in the flowData as it was sent. */
export function endpointPointer(
  connection: FlowConnection,
  index: number,
  end: "from" | "to",
): string {
  const editorField = end === "from" ? "source" : "target";
  return `/connections/${index}/${connection.editorForm ? editorField : end}`;
}

function escapeKey(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
