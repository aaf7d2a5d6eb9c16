import type { NodeInfo } from "../messages/inspection.ts";

/** After so long without an answer there are no more. */
const QUIET_MS = 300;
/** A node that takes longer than this to put its actors into the bucket is not waited for. */
const PATIENCE_MS = 10_000;

/** The nodes that answer one who watches. */
export class NodeRoll {
  readonly #goneAfterMs: number;
  readonly #gone: (node: string) => void;
  readonly #heardAt = new Map<string, number>();
  readonly #syncing = new Set<string>();
  /** Those that the bucket tells of, and that have not answered. */
  readonly #mentioned = new Set<string>();
  #quiet: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isComplete = false;

  constructor(goneAfterMs: number, gone: (node: string) => void) {
    this.#goneAfterMs = goneAfterMs;
    this.#gone = gone;
  }

  heard({ node, syncing }: NodeInfo): void {
    const isNew = !this.#heardAt.has(node);
    this.#heardAt.set(node, performance.now());
    this.#mentioned.delete(node);
    if (syncing) this.#syncing.add(node);
    const isReady = !syncing && this.#syncing.delete(node);
    // Those who answer again and again, as they are asked to, are no news.
    if (this.#quiet !== undefined && (isNew || isReady)) this.#wait(this.#quiet);
  }

  mentioned(node: string): void {
    if (this.#heardAt.has(node)) return;
    if (this.#isComplete) this.#heardAt.set(node, performance.now());
    else this.#mentioned.add(node);
  }

  /** Resolves when those who answer have, and have put all that they were to put. */
  quiet(): Promise<void> {
    return new Promise((resolve) => this.#wait(resolve));
  }

  /** From now on who is told of and does not answer is gone. */
  complete(): void {
    this.#isComplete = true;
    for (const node of this.#mentioned) this.#gone(node);
    this.#mentioned.clear();
  }

  /** Tells of those that have not answered for too long. */
  look(): void {
    const since = performance.now() - this.#goneAfterMs;
    for (const [node, at] of this.#heardAt) {
      if (at > since) continue;
      this.#heardAt.delete(node);
      this.#gone(node);
    }
  }

  /** Nobody could answer for a while. */
  pardon(): void {
    for (const node of this.#heardAt.keys()) this.#heardAt.set(node, performance.now());
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#quiet?.();
  }

  #wait(resolve: () => void): void {
    this.#quiet = resolve;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(resolve, this.#syncing.size > 0 ? PATIENCE_MS : QUIET_MS);
  }
}
