/** Whether a task is paused, as its orchestrators say; the engine follows it. */
export class PauseSwitch {
  onChange: (() => void) | undefined;
  #paused = false;
  #revision = 0;

  get paused(): boolean {
    return this.#paused;
  }

  /**
   * What was so at a revision of the flags. Several orchestrators may tell of it, each with a
   * connection of its own: what is older than what is known is dropped.
   */
  set(paused: boolean, revision: number): void {
    if (revision < this.#revision) return;
    this.#revision = revision;
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.onChange?.();
  }
}
