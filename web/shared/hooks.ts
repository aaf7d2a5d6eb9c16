import { useEffect, useReducer, useState } from "preact/hooks";

/** Whatever tells that it has changed. */
export interface Changing {
  subscribe(listener: () => void): () => void;
}

/** Renders again when `source` changes: once a frame at most, and not while the page is hidden. */
export function useChanges(source: Changing): void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let frame = 0;
    const stop = source.subscribe(() => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        again(undefined);
      });
    });
    return () => {
      cancelAnimationFrame(frame);
      stop();
    };
  }, [source]);
}

/** The time, told again every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
