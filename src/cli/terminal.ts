/** Where a command writes to; commands get it as an argument, so that tests read what they print. */
export interface Terminal {
  /** A line of data, on standard output. */
  print(line: string): void;
  /** A line of progress, or what went wrong, on standard error. */
  say(line: string): void;
  /** Colours text that is printed; leaves it alone where colours are not wanted. */
  readonly paint: Paint;
  /** The same for what is said. */
  readonly paintSaid: Paint;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof CODES;
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;

const coloured: Paint = (style, text) => `\u001b[${CODES[style]}m${text}\u001b[0m`;

/** The terminal of this process. Node's hasColors() heeds NO_COLOR, FORCE_COLOR and TERM. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  return {
    print: (line) => void stdout.write(`${line}\n`),
    say: (line) => void stderr.write(`${line}\n`),
    paint: paintOn(stdout),
    paintSaid: paintOn(stderr),
  };
}

function paintOn(stream: NodeJS.WriteStream): Paint {
  return stream.isTTY && stream.hasColors() ? coloured : plain;
}
