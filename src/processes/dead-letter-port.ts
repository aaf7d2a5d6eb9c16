import type { Bus } from "../bus/connect.ts";
import { purgeDeadLetters, replayDeadLetters } from "../bus/dead-letter-actions.ts";
import { wholeDeadLetter } from "../bus/dead-letter-original.ts";
import { listDeadLetters, newestDeadLetter } from "../bus/dead-letter-reader.ts";
import type { DeadLetterPort } from "../http/dead-letters.ts";

/** What the HTTP API asks of the dead letters: straight from the bus, whoever leads. */
export function deadLetterPort(bus: Bus): DeadLetterPort {
  return {
    deadLetters: (filter, cursor, limit) => listDeadLetters(bus, { filter, cursor, limit }),
    deadLetter: async (executionId) => {
      const letter = await newestDeadLetter(bus, executionId);
      return letter && wholeDeadLetter(bus, letter);
    },
    replayDeadLetters: (which, dryRun) => replayDeadLetters(bus, which, { dryRun }),
    purgeDeadLetters: (which, dryRun) => purgeDeadLetters(bus, which, { dryRun }),
  };
}
