const MAX_CHARS = 300;

/** Characters that would hide text, turn it round, or are not to be seen at all. */
const UNSEEN = /[\p{Cc}\p{Cf}]/gu;

/** A text of a stranger as it may be shown: cut, and with a mark for each character that would not be seen. */
export function shown(text: string, maxChars = MAX_CHARS): string {
  const cut =
    text.length > maxChars ? `${text.slice(0, maxChars)}… (${text.length} characters)` : text;
  return cut.replace(UNSEEN, "\u00b7");
}

/** "1 actor", "2 actors". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
