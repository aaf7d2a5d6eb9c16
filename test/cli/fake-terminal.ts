import { plain, type Terminal } from "../../src/cli/terminal.ts";

/** A terminal without colours that keeps what was written. */
export interface FakeTerminal extends Terminal {
  /** Everything on standard output, as one text. */
  out(): string;
  /** Everything on standard error, as one text. */
  err(): string;
}

export function fakeTerminal(): FakeTerminal {
  const printed: string[] = [];
  const said: string[] = [];
  return {
    print: (line) => void printed.push(line),
    say: (line) => void said.push(line),
    paint: plain,
    paintSaid: plain,
    out: () => printed.join("\n"),
    err: () => said.join("\n"),
  };
}
