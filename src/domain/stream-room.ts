/** How full a stream is; a limit of 0 or less means none. */
export interface StreamLevel {
  readonly stream: string;
  readonly messages: number;
  readonly bytes: number;
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** When full it refuses what comes, instead of dropping the oldest. */
  readonly refuses: boolean;
}

/** From here on an operator is told; what comes next may already be too large for the rest. */
const NEARLY_FULL = 0.9;

/** What to say of a stream that refuses what comes, or soon will; undefined while it has room. */
export function roomTrouble(level: StreamLevel): string | undefined {
  if (!level.refuses) return undefined;
  const { stream, messages, bytes, maxMessages, maxBytes } = level;
  const byMessages = share(messages, maxMessages);
  const byBytes = share(bytes, maxBytes);
  if (Math.max(byMessages, byBytes) < NEARLY_FULL) return undefined;
  const [holds, unit] =
    byMessages >= byBytes
      ? [`${messages} of ${maxMessages}`, "messages"]
      : [`${bytes} of ${maxBytes}`, "bytes"];
  return `${stream} holds ${holds} ${unit} and refuses what goes beyond`;
}

function share(used: number, limit: number): number {
  return limit > 0 ? used / limit : 0;
}
