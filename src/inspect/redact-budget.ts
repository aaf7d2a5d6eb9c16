const MAX_CHARS = 6_000;
const MAX_STRING_CHARS = 256;
const MAX_ENTRIES = 100;
/** What a name, a number or a bracket takes, so that many small things end as well. */
const ENTRY_CHARS = 8;

/** How much of one value may still leave. */
export class Budget {
  left = MAX_CHARS;

  /** Takes so much at once; false when nothing would be left, and nothing is taken. */
  spend(chars: number): boolean {
    if (chars >= this.left) return false;
    this.left -= chars;
    return true;
  }

  /** Whether a list or object with so many entries may have one more. */
  hasRoom(entries: number): boolean {
    this.left -= ENTRY_CHARS;
    return entries < MAX_ENTRIES && this.left > 0;
  }

  /** The text without logins of addresses, cut to what may be left of it; half of a surrogate pair is not. */
  cut(given: string): string {
    const text = given.includes("://") ? withoutLogin(given) : given;
    const length = Math.min(MAX_STRING_CHARS, Math.max(this.left, 0));
    this.left -= Math.min(text.length, length);
    if (text.length <= length) return text;
    const isSplit = /[\uD800-\uDBFF]/.test(text.charAt(length - 1));
    return `${text.slice(0, isSplit ? length - 1 : length)}… (${text.length} characters)`;
  }
}

/** Whether a text that is told over and over is told as it is, as long as there is room for it. */
export function isTame(text: string): boolean {
  return text.length <= MAX_STRING_CHARS && !text.includes("://");
}

/** `nats://ada:pass@host` tells more than where something is. */
function withoutLogin(text: string): string {
  return text.slice(0, 4_000).replaceAll(/:\/\/[^\s/@]+@/g, "://[redacted]@");
}
