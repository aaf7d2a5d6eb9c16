import type { Followed } from "../messages/followed.ts";

interface Follower {
  readonly followed: ReadonlySet<string> | "all";
  /** Epoch ms. */
  readonly until: number;
}

/** Who watches the actors of a process, until when, and which of them they follow. */
export class Followers {
  readonly #followers = new Map<string, Follower>();

  /** Gives back the addresses that nobody followed before, unless it is all of them. */
  note(watcher: string, followed: Followed, until: number, now: number): readonly string[] {
    for (const [each, follower] of this.#followers)
      if (follower.until <= now) this.#followers.delete(each);
    const fresh = followed === "all" ? [] : followed.filter((address) => !this.follow(address));
    this.#followers.set(watcher, {
      followed: followed === "all" ? "all" : new Set(followed),
      until,
    });
    return fresh;
  }

  /** Whether anybody follows the actor. One whose time is over counts until the next one asks. */
  follow(address: string): boolean {
    for (const { followed } of this.#followers.values())
      if (followed === "all" || followed.has(address)) return true;
    return false;
  }

  clear(): void {
    this.#followers.clear();
  }
}
