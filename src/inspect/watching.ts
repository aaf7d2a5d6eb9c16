import type { Followed } from "../messages/followed.ts";
import type {
  InspectionListener,
  InspectionSource,
  InspectionWatch,
} from "../messages/inspection.ts";

interface WatchingOptions {
  readonly retryMs: number;
  readonly onTrouble: (reason: string, detail: unknown) => void;
}

/** One time of watching, begun again until the bus lets it. What comes after its end is not heard. */
export class Watching {
  readonly complete: Promise<void>;
  readonly #source: InspectionSource;
  readonly #listener: InspectionListener;
  readonly #options: WatchingOptions;
  #followed: Followed;
  #watch: InspectionWatch | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isOver = false;
  #completed: () => void = () => {};

  constructor(
    source: InspectionSource,
    listener: InspectionListener,
    followed: Followed,
    options: WatchingOptions,
  ) {
    this.#source = source;
    this.#followed = followed;
    this.#options = options;
    this.#listener = {
      record: (record, isLive) => this.#isOver || listener.record(record, isLive),
      machine: (machine) => this.#isOver || listener.machine(machine),
      node: (node) => this.#isOver || listener.node(node),
      nodeGone: (node) => this.#isOver || listener.nodeGone(node),
      gone: (node, address) => this.#isOver || listener.gone(node, address),
    };
    this.complete = new Promise((resolve) => {
      this.#completed = resolve;
    });
    void this.#begin();
  }

  follow(followed: Followed): void {
    this.#followed = followed;
    this.#watch?.follow(followed);
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#retry);
    this.#watch?.stop();
    this.#completed();
  }

  async #begin(): Promise<void> {
    try {
      const begunWith = this.#followed;
      const watch = await this.#source.watch(this.#listener, begunWith);
      this.#watch = watch;
      if (this.#followed !== begunWith) watch.follow(this.#followed);
      if (this.#isOver) watch.stop();
      await watch.complete;
      this.#completed();
    } catch (err) {
      if (this.#isOver) return;
      this.#options.onTrouble("actors cannot be watched", { err });
      this.#watch?.stop();
      this.#watch = undefined;
      this.#retry = setTimeout(() => void this.#begin(), this.#options.retryMs).unref();
    }
  }
}
