import type { Readable } from "node:stream";

/**
 * Calls back once when `input` ends. A process that was given a pipe as its standard input learns in
 * this way that its parent is gone, even by SIGKILL.
 */
export function onLifelineCut(input: Readable, cut: () => void): void {
  let told = false;
  const tell = () => {
    if (told) return;
    told = true;
    cut();
  };
  for (const event of ["end", "close", "error"]) input.once(event, tell);
  input.resume();
}
