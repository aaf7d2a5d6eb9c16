/** What every command ends with (contract B11). Listed in docs/cli.md and in each `--help`. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  timeout: 5,
  /** A bug of Batuta: none of the outcomes above. */
  internal: 70,
  /** A second Ctrl-C or SIGTERM cut the orderly stop short. */
  forced: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export type ExitName = keyof typeof EXIT;

/** One line for people for each code. */
export const EXIT_MEANINGS: Readonly<Record<ExitName, string>> = {
  ok: "all went well",
  failed: "the execution failed or was cancelled, or a dead letter could not be replayed",
  usage: "a wrong argument, setting or flow",
  unreachable: "no NATS server, no orchestrator, or a full lane",
  notFound: "what was asked for is not there",
  timeout: "what was waited for did not end in time; it goes on",
  internal: "a bug of Batuta",
  forced: "a second signal cut the orderly stop short",
};
