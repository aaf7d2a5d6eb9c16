import type { Msg } from "nats";
import type { NodeInfo, WatchRequest } from "../messages/inspection.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";

/** Who answers those who watch. */
export interface WatchedNode {
  /** Begins to tell; with `sync` it resolves when all is in the bucket. */
  watch(request: WatchRequest): Promise<NodeInfo>;
  info(): NodeInfo;
}

/**
 * Answers `inspection.watch` for one node, until the function that comes back is called. Where putting
 * all actors into the bucket takes a while there are two answers, the first of them `syncing`.
 */
export function answerWatchers(
  bus: Bus,
  node: WatchedNode,
  fault: (error: unknown, what: string) => void,
): () => void {
  const subscription = bus.nc.subscribe(bus.names.inspectionWatch, {
    callback: (error, msg) => {
      if (error === null) void answer(bus, node, msg).catch((cause) => fault(cause, "inspection"));
    },
  });
  return () => subscription.unsubscribe();
}

async function answer(bus: Bus, node: WatchedNode, msg: Msg): Promise<void> {
  const request = requestOf(msg);
  if (request === undefined || !msg.reply) return;
  const respond = (info: NodeInfo) => {
    if (!bus.nc.isClosed()) msg.respond(JSON.stringify(info));
  };
  const done = node.watch(request);
  if (request.sync) respond({ ...node.info(), syncing: true });
  respond(await done);
}

function requestOf(msg: Msg): WatchRequest | undefined {
  const { v, watcher, forMs, sync, follow } = jsonOf<Partial<WatchRequest>>(msg) ?? {};
  const isSound = v === 1 && typeof watcher === "string" && typeof forMs === "number" && forMs > 0;
  if (!isSound || !(follow === undefined || isTexts(follow))) return undefined;
  return { v, watcher, forMs, sync: sync === true, follow };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
