import { readFile } from "node:fs/promises";
import { InvalidInputError, NotFoundError } from "../../domain/errors.ts";

/**
 * The text of a file, or of standard input for "-".
 *
 * @throws NotFoundError when there is no such file, InvalidInputError when it cannot be read.
 */
export async function readInput(file: string, stdin: NodeJS.ReadableStream): Promise<string> {
  if (file === "-") return textOf(stdin);
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new NotFoundError(`there is no file ${file}`, { cause });
    throw new InvalidInputError(`${file} cannot be read`, { cause });
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
