/** Below this many workers a coincidence is as likely as a fault of our own. */
const LEAST_WORKERS = 3;
const MOST_SUSPECT_SHARE = 0.4;

/**
 * Why the supervisor should doubt its own eyes rather than its workers: more than 40 % of at least
 * three are suspect at once (contract B5). Undefined when there is no such reason.
 */
export function suspicionDoubt(
  workers: readonly { readonly suspect: boolean }[],
): string | undefined {
  const suspects = workers.filter(({ suspect }) => suspect).length;
  if (workers.length < LEAST_WORKERS || suspects <= MOST_SUSPECT_SHARE * workers.length) return;
  return `${suspects} of ${workers.length} workers are suspect at once`;
}
