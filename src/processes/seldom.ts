/** Passes on at most one call in `everyMs`, with the number of calls that it stands for. */
export function seldom<T>(
  everyMs: number,
  now: () => number,
  say: (value: T, times: number) => void,
): (value: T) => void {
  let times = 0;
  let saidAt = Number.NEGATIVE_INFINITY;
  return (value) => {
    times += 1;
    if (now() - saidAt < everyMs) return;
    saidAt = now();
    say(value, times);
    times = 0;
  };
}
