/**
 * How long an orchestrator may be silent, to its peers and to itself, in milliseconds. It beats once a
 * second. It must know of its silence before its peers act on it: they take over what it has.
 */
export const PEER_SILENCE = {
  /** A peer that was silent for longer is probed. Who did not hear itself for so long judges nobody. */
  probedMs: 1_500,
  /**
   * Who did not hear itself for so long gives no worker up either. Not sooner: a turn of the event loop
   * that is half a second late would put off the verdict on a dead worker, and a silent bus is noticed
   * by its pulse.
   */
  doubtMs: 2_500,
  /** Who did not hear its own beats for so long is cut off, or stood still: it hands out nothing and leads no more. */
  cutOffMs: 3_500,
  /** Of a peer that was silent for longer nothing is expected. */
  staleMs: 5_000,
  /** A peer that neither beats nor answers for so long is gone, even if the server takes it for connected. */
  goneMs: 7_000,
} as const;

export type PeerVerdict = "there" | "to be probed" | "gone";

/** What to make of the silence of a peer. Who `doubts` itself gives nobody up. */
export function judgePeer(silentMs: number, doubts: boolean): PeerVerdict {
  if (silentMs > PEER_SILENCE.goneMs && !doubts) return "gone";
  return silentMs > PEER_SILENCE.probedMs ? "to be probed" : "there";
}

/** Whether one that has not heard its own beats for so long has to count itself as cut off. */
export function isCutOff(silentMs: number): boolean {
  return silentMs > PEER_SILENCE.cutOffMs;
}
