import { JetStreamApiError } from "@nats-io/jetstream";
import type { ObjectStore } from "@nats-io/obj";
import type { DeadLetter, OriginalMessage } from "../messages/result.ts";
import type { Bus } from "./connect.ts";

/** What was published: its headers and its body, as JSON if it was JSON, else as base64. */
export type Original = Pick<OriginalMessage, "headers" | "data" | "dataBase64">;

/** The original of a dead letter, wherever it is kept; undefined when the object store has lost it. */
export async function readOriginal(bus: Bus, letter: DeadLetter): Promise<Original | undefined> {
  const { blob } = letter.message;
  if (blob === undefined) {
    const { headers, data, dataBase64 } = letter.message;
    return dataBase64 === undefined ? { headers, data } : { headers, dataBase64 };
  }
  const store = await openBlobs(bus);
  const bytes = await store?.getBlob(blob);
  return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as Original) : undefined;
}

/** A letter with its original in it; as it is stored when the object store has lost that. */
export async function wholeDeadLetter<L extends DeadLetter>(bus: Bus, letter: L): Promise<L> {
  const original = await readOriginal(bus, letter);
  return original === undefined
    ? letter
    : { ...letter, message: { ...letter.message, ...original } };
}

/** Removes what a letter that is gone has left in the object store. */
export async function deleteOriginal(bus: Bus, letter: DeadLetter): Promise<void> {
  const { blob } = letter.message;
  if (blob === undefined) return;
  try {
    await (await openBlobs(bus))?.delete(blob);
  } catch {
    // The letter is gone, and so is all that names the blob: what is left of it only takes room.
  }
}

/** Undefined where nothing was ever too large for its letter: the store is made at first use. */
async function openBlobs(bus: Bus): Promise<ObjectStore | undefined> {
  const { Objm } = await import("@nats-io/obj");
  try {
    return await new Objm(bus.js).open(bus.names.blobs);
  } catch (error) {
    if (await hasBlobs(bus)) throw error;
    return undefined;
  }
}

async function hasBlobs(bus: Bus): Promise<boolean> {
  try {
    await bus.jsm.streams.info(`OBJ_${bus.names.blobs}`);
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return false;
    throw error;
  }
}
