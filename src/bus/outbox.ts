import type { NatsConnection } from "nats";
import { InvalidInputError, UnreachableError } from "../domain/errors.ts";

/** What the client's protocol handler offers below its public `publish`. */
interface Wire {
  sendCommand(bytes: Uint8Array): void;
}

/**
 * Publishes that leave together: all of one turn of the event loop as one buffer, written in the
 * NATS protocol here. The client's own `publish` encodes each subject, header block and payload into
 * an array buffer of its own; at tens of thousands of messages a second those allocations cost more
 * than what is said with them. Only for the hot paths; the client is handed finished bytes, and
 * goes on to see to buffering and reconnects.
 */
export class Outbox {
  readonly #nc: NatsConnection;
  readonly #wire: Wire;
  #pieces: (string | Uint8Array)[] = [];
  #text = "";
  #bytes = 0;
  #isPlanned = false;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    const { protocol } = nc as unknown as { readonly protocol?: Partial<Wire> };
    if (typeof protocol?.sendCommand !== "function") {
      throw new UnreachableError(
        "this version of the NATS client has no protocol.sendCommand; install the one in package-lock.json",
      );
    }
    this.#wire = protocol as Wire;
  }

  /**
   * Publishes in this turn. `headers` is a block made by `headerBlock`. On a closed connection it
   * does nothing: what waits for an answer then times out.
   *
   * @throws InvalidInputError when it is larger than the server takes, which would cut the connection.
   */
  publish(subject: string, body: string | Uint8Array, reply = "", headers = ""): void {
    if (this.#nc.isClosed()) return;
    assertSubjects(subject, reply);
    const bodyBytes = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    const headerBytes = Buffer.byteLength(headers);
    this.#refuseTooLarge(subject, headerBytes + bodyBytes);
    const to = reply === "" ? subject : `${subject} ${reply}`;
    if (headers === "") this.#write(`PUB ${to} ${bodyBytes}\r\n`);
    else {
      this.#write(`HPUB ${to} ${headerBytes} ${headerBytes + bodyBytes}\r\n${headers}`);
    }
    if (typeof body === "string") this.#write(body);
    else this.#writeBytes(body);
    this.#write("\r\n");
    this.#plan();
  }

  /** Publishes what `bareMessage` has made, once or often. */
  send(message: string): void {
    if (this.#nc.isClosed()) return;
    this.#write(message);
    this.#plan();
  }

  /** Hands what is there to the client now, before something that is published by the client itself. */
  flush(): void {
    this.#isPlanned = false;
    if (this.#bytes === 0 && this.#text === "") return;
    this.#endText();
    const buffer = Buffer.allocUnsafe(this.#bytes);
    let offset = 0;
    for (const piece of this.#pieces) {
      if (typeof piece === "string") offset += buffer.write(piece, offset);
      else {
        buffer.set(piece, offset);
        offset += piece.length;
      }
    }
    this.#pieces = [];
    this.#bytes = 0;
    if (!this.#nc.isClosed()) this.#wire.sendCommand(buffer);
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => this.flush());
  }

  #refuseTooLarge(subject: string, bytes: number): void {
    const most = this.#nc.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (bytes <= most) return;
    throw new InvalidInputError(
      `a message of ${bytes} bytes for ${subject} is more than the server takes: ${most} (max_payload)`,
    );
  }

  #write(text: string): void {
    this.#text += text;
  }

  #writeBytes(bytes: Uint8Array): void {
    this.#endText();
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
  }

  #endText(): void {
    if (this.#text === "") return;
    this.#pieces.push(this.#text);
    this.#bytes += Buffer.byteLength(this.#text);
    this.#text = "";
  }
}

/**
 * A message without a body, ready for `Outbox.send`: for what is sent to the same place all the time.
 *
 * @throws InvalidInputError when one of them is no subject.
 */
export function bareMessage(subject: string, reply: string): string {
  assertSubjects(subject, reply);
  return `PUB ${subject} ${reply} 0\r\n\r\n`;
}

function assertSubjects(subject: string, reply: string): void {
  if (!/\s/.test(subject) && !/\s/.test(reply)) return;
  throw new InvalidInputError(`"${subject}" or its reply "${reply}" is not a subject`);
}

/** Headers of our own as a block for `Outbox.publish`. */
export function headerBlock(lines: readonly (readonly [name: string, value: string])[]): string {
  let text = "NATS/1.0\r\n";
  for (const [name, value] of lines) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}

/**
 * The same lines, if they may stand in a block.
 *
 * @throws InvalidInputError for a name or value that would break the block.
 */
export function soundHeaders<L extends readonly (readonly [name: string, value: string])[]>(
  lines: L,
): L {
  for (const [name, value] of lines) {
    if (!/[\r\n]/.test(value) && /^[!-9;-~]+$/.test(name)) continue;
    throw new InvalidInputError(`the header ${JSON.stringify(name)} cannot be sent`);
  }
  return lines;
}
