import { randomBytes } from "node:crypto";
import type { InspectionSink, NodeInfo } from "../messages/inspection.ts";
import type { Connection, ConnectionEvents } from "./connection.ts";
import type { Endpoint, Hall } from "./hall.ts";
import type { Mirror, MirrorListener } from "./mirror.ts";
import { StatelyTexts } from "./stately-messages.ts";
import { type ProducerOptions, StatelyProducer } from "./stately-producer.ts";
import { StatelyViewer } from "./stately-viewer.ts";

const PATH = "/inspect/stately";
const MAX_FRAME_BYTES = 1_048_576;
const MAX_MALFORMED = 1_000;

export interface StatelyOptions
  extends Pick<ProducerOptions, "redact" | "onTrouble" | "maxActors" | "storeMs"> {
  readonly sink: InspectionSink;
  readonly host: Pick<NodeInfo, "hostname" | "version">;
}

export interface StatelyGateway {
  readonly endpoint: Endpoint;
  /** Resolves when the actors of all producers have been ended. */
  close(): Promise<void>;
}

/**
 * The WebSocket `/inspect/stately`: what the stock relay of @statelyai/inspect is, for a fleet.
 *
 * Everyone is a viewer until it produces. The stock relay lets a client be both; stock clients are one
 * or the other, and a producer that was sent everything would have the whole fleet watched for as
 * long as it runs, for nobody.
 */
export function statelyGateway(
  mirror: Mirror,
  hall: Hall,
  options: StatelyOptions,
): StatelyGateway {
  const texts = new StatelyTexts(mirror);
  const producers = new Set<StatelyProducer>();
  const ending = new Set<Promise<void>>();
  const end = (producer: StatelyProducer) => {
    if (!producers.delete(producer)) return;
    const ended = producer.end().finally(() => ending.delete(ended));
    ending.add(ended);
  };
  const welcome = (connection: Connection): ConnectionEvents => {
    const viewer = new StatelyViewer(connection, mirror, texts);
    const detach = watch(mirror, viewer);
    viewer.flush();
    let producer: StatelyProducer | undefined;
    return {
      text: (text) => {
        producer ??= begin();
        producer.take(text);
        if (producer.malformed > MAX_MALFORMED) connection.refuse("too many malformed frames");
      },
      drained: () => producer ?? viewer.flush(),
      closed: () => {
        detach();
        if (producer !== undefined) end(producer);
      },
    };

    function begin(): StatelyProducer {
      detach();
      const node = `stately-${randomBytes(6).toString("hex")}`;
      const begun = new StatelyProducer({ ...options, node });
      producers.add(begun);
      return begun;
    }
  };
  return {
    // A producer has a budget of its own: what is beyond is dropped, since it would never come back.
    endpoint: hall.endpoint(
      PATH,
      {
        maxFrameBytes: MAX_FRAME_BYTES,
        messagesPer10s: Number.POSITIVE_INFINITY,
        tokenInQuery: true,
      },
      welcome,
    ),
    close: async () => {
      for (const producer of producers) end(producer);
      await Promise.all(ending);
    },
  };
}

function watch(mirror: Mirror, viewer: StatelyViewer): () => void {
  const listener: MirrorListener = {
    record: (key, record) => viewer.record(key, record),
    gone: (key, record) => viewer.gone(key, record),
    machine: ({ hash }) => viewer.define(hash),
    node: (node, hasTurned) => {
      if (hasTurned) viewer.turn(node);
    },
  };
  // Stately's tools have no way to say which actors they show.
  return mirror.attach(listener, "all").leave;
}
