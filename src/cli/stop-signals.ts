/** What a long-running command waits for. */
export interface StopRequest {
  /** Aborted by the first signal; its reason is the name of that signal. */
  readonly signal: AbortSignal;
  /** Resolves with why to stop: the name of a signal, or what `stop` was called with. */
  readonly asked: Promise<string>;
  /** Asks from inside, as a signal would. */
  stop(reason: string): void;
  /** Signals do again what they do by default. */
  close(): void;
}

/** Where signals come from: `process`, or a stand-in in tests. */
type SignalSource = Pick<NodeJS.EventEmitter, "on" | "off">;

export interface StopOptions {
  /** A second signal: end at once. Does not return. */
  readonly force: () => void;
  /** Also stop when the terminal window is closed. Not for services, or nohup would not hold. */
  readonly onHangup?: boolean;
  readonly source?: SignalSource;
  readonly now?: () => number;
}

/** npx gets Ctrl-C from the terminal, as we do, and then sends it to us a second time. */
const ECHO_MS = 500;

/** The first SIGINT or SIGTERM asks for an orderly stop, the next one calls `force`. */
export function stopRequest(options: StopOptions): StopRequest {
  const { force, onHangup = false, source = process, now = Date.now } = options;
  const controller = new AbortController();
  const { signal } = controller;
  let askedAt = 0;
  const stop = (reason: string) => {
    askedAt = now();
    controller.abort(reason);
  };
  const onSignal = (name: string) => {
    if (!signal.aborted) stop(name);
    else if (now() - askedAt >= ECHO_MS) force();
  };
  const names = ["SIGINT", "SIGTERM", ...(onHangup ? ["SIGHUP"] : [])];
  for (const name of names) source.on(name, onSignal);
  const asked = new Promise<string>((resolve) => {
    signal.addEventListener("abort", () => resolve(String(signal.reason)), { once: true });
  });
  const close = () => {
    for (const name of names) source.off(name, onSignal);
  };
  return { signal, asked, stop, close };
}

/** Whether `work` ended within the time. It goes on otherwise. */
export async function endsWithin(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  return Promise.race([work.then(() => true), late]).finally(() => clearTimeout(timer));
}
