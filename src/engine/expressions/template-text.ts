/** A part of a template text: plain, or what stands between `{{` and `}}`. */
type TextPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "expression"; readonly source: string };

export type SplitText =
  | { readonly ok: true; readonly parts: readonly TextPart[] }
  | { readonly ok: false; readonly at: number };

/**
 * The parts of a text in order; `ok: false` tells where a `{{` is not closed. Quotes and braces
 * inside an expression are respected, so `{{ {"a": {"b": 1}} }}` and `{{ "}}" }}` are one each.
 */
export function splitTemplate(text: string): SplitText {
  const parts: TextPart[] = [];
  let at = 0;
  for (let open = text.indexOf("{{"); open >= 0; open = text.indexOf("{{", at)) {
    if (open > at) parts.push({ type: "text", text: text.slice(at, open) });
    const close = closingBraces(text, open + 2);
    if (close < 0) return { ok: false, at: open };
    parts.push({ type: "expression", source: text.slice(open + 2, close).trim() });
    at = close + 2;
  }
  if (at < text.length) parts.push({ type: "text", text: text.slice(at) });
  return { ok: true, parts };
}

function closingBraces(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"' || char === "'") at = endOfString(text, at);
    else if (char === "{") depth++;
    else if (char === "}" && depth > 0) depth--;
    else if (char === "}" && text[at + 1] === "}") return at;
  }
  return -1;
}

/** Index of the quote that ends the CEL string starting at `start`, the end of the text if none. */
function endOfString(text: string, start: number): number {
  const quote = text[start] as string;
  const delimiter = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  for (let at = start + delimiter.length; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text.startsWith(delimiter, at)) return at + delimiter.length - 1;
  }
  return text.length;
}
