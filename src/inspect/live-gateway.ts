import { unionOf } from "../messages/followed.ts";
import type { ActorRecord } from "../messages/inspection.ts";
import type { Connection, ConnectionEvents } from "./connection.ts";
import type { Endpoint, Hall } from "./hall.ts";
import { readFollow } from "./live-request.ts";
import { LiveTexts } from "./live-texts.ts";
import { CHUNK, LiveViewer } from "./live-viewer.ts";
import type { Attachment, Mirror, MirrorListener } from "./mirror.ts";

const PATH = "/inspect/live";
const MAX_FRAME_BYTES = 65_536;
/** How often changes are told. */
const TICK_MS = 100;
/** How long the first viewer waits for slow nodes before it is told what there is. */
const COMPLETE_MS = 2_000;

export interface LiveGateway {
  readonly endpoint: Endpoint;
  close(): void;
}

/** The WebSocket `/inspect/live`, as src/messages/inspection-live.ts has it. */
export function liveGateway(
  mirror: Mirror,
  hall: Hall,
  onTrouble: (reason: string, detail: unknown) => void,
): LiveGateway {
  const broadcast = new Broadcast(mirror);
  const welcome = (connection: Connection): ConnectionEvents => {
    const viewer = new LiveViewer(connection, mirror, broadcast.texts);
    const leave = broadcast.join(viewer);
    return {
      text: (text) => {
        const request = readFollow(text);
        if (!("refused" in request)) {
          viewer.follow(request);
          return broadcast.follow();
        }
        onTrouble("a frame of a page that cannot be read", request.refused);
        viewer.refuse(request.refused);
      },
      drained: () => viewer.flush(new Date().toISOString()),
      closed: leave,
    };
  };
  const endpoint = hall.endpoint(PATH, { maxFrameBytes: MAX_FRAME_BYTES }, welcome);
  return { endpoint, close: () => broadcast.close() };
}

/** Gathers what changed, and tells it to all viewers at once. */
class Broadcast {
  readonly texts: LiveTexts;
  readonly #mirror: Mirror;
  readonly #viewers = new Set<LiveViewer>();
  #changed = new Set<string>();
  #place: Attachment | undefined;
  #ticking: NodeJS.Timeout | undefined;

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
    this.texts = new LiveTexts(mirror);
  }

  /** Gives back how to leave. */
  join(viewer: LiveViewer): () => void {
    this.#viewers.add(viewer);
    this.#place ??= this.#mirror.attach(this.#listener(), []);
    this.#ticking ??= setInterval(() => this.#tick(), TICK_MS);
    void this.#greet(viewer);
    return () => {
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.close();
      else this.follow();
    };
  }

  close(): void {
    clearInterval(this.#ticking);
    this.#place?.leave();
    this.#ticking = undefined;
    this.#place = undefined;
    this.#changed.clear();
  }

  /** What the viewers follow is another thing than before. */
  follow(): void {
    this.#place?.follow(unionOf([...this.#viewers].map((viewer) => viewer.followed)));
  }

  async #greet(viewer: LiveViewer): Promise<void> {
    await this.#complete();
    if (!this.#viewers.has(viewer)) return;
    // What has changed until now is for the others: this one begins with how things are.
    this.#tick();
    viewer.begin(new Date().toISOString());
  }

  async #complete(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, COMPLETE_MS);
    });
    await Promise.race([this.#mirror.complete(), late]);
    clearTimeout(timer);
  }

  #listener(): MirrorListener {
    return {
      record: (key, record, isLive) => this.#record(key, record, isLive),
      gone: (key) => this.#changed.add(key),
      // Each viewer knows how many of them it has been told.
      machine: () => {},
      node: (node, hasTurned) => this.#node(node, hasTurned),
    };
  }

  #record(key: string, record: ActorRecord, isLive: boolean): void {
    this.#changed.add(key);
    if (isLive) for (const viewer of this.#viewers) viewer.record(key, record);
  }

  /** Whether a node is lost shows on each of its actors. */
  #node(node: string, hasTurned: boolean): void {
    this.texts.forgetNodes();
    for (const viewer of this.#viewers) viewer.oweNodes();
    if (!hasTurned) return;
    for (const [key, record] of this.#mirror.actors)
      if (record.node === node) this.#changed.add(key);
  }

  #tick(): void {
    const at = new Date().toISOString();
    const keys = this.#changed;
    this.#changed = new Set();
    const isSmall = keys.size > 0 && keys.size <= CHUNK;
    const text = isSmall ? this.texts.changes(at, keys) : undefined;
    for (const viewer of this.#viewers) {
      if (keys.size > 0) viewer.change({ keys, text });
      viewer.flush(at);
    }
  }
}
