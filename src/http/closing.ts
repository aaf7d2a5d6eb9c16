import type { Server, ServerResponse } from "node:http";

/** Knows which requests of a server have not been answered yet. */
export interface Answers {
  /** Resolves when none is under way. */
  done(): Promise<void>;
}

export function trackAnswers(server: Server): Answers {
  const underWay = new Map<ServerResponse, Promise<void>>();
  server.on("request", (_request, response) => {
    const ended = new Promise<void>((resolve) => response.once("close", resolve));
    underWay.set(
      response,
      ended.then(() => void underWay.delete(response)),
    );
  });
  return {
    done: async () => {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
  };
}

/**
 * Takes no new connections, and resolves when all requests are answered or `graceMs` is over.
 *
 * Connections that carry no request are cut at once: `server.close()` alone would wait for those
 * that never sent one, and browsers open some in advance.
 */
export async function closeServer(
  server: Server,
  answers: Answers,
  graceMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cut = () => server.closeAllConnections();
  const grace = setTimeout(cut, graceMs);
  void answers.done().then(cut);
  await closed;
  clearTimeout(grace);
}
