/** How much is taken in a second; what is beyond is not. */
export class Budget {
  readonly #messagesPerS: number;
  readonly #charsPerS: number;
  #second = { startedAt: Number.NEGATIVE_INFINITY, messages: 0, chars: 0 };

  constructor(messagesPerS: number, charsPerS: number) {
    this.#messagesPerS = messagesPerS;
    this.#charsPerS = charsPerS;
  }

  /** Whether a message of so many characters is still within it. */
  takes(chars: number, now: number): boolean {
    if (now - this.#second.startedAt >= 1_000)
      this.#second = { startedAt: now, messages: 0, chars: 0 };
    this.#second.messages += 1;
    this.#second.chars += chars;
    return this.#second.messages <= this.#messagesPerS && this.#second.chars <= this.#charsPerS;
  }
}
