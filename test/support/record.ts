import type { Msg, NatsConnection } from "nats";

/** Messages of a subject as they come, to be waited on. */
export class Recording<T> {
  readonly messages: { readonly subject: string; readonly body: T; readonly msg: Msg }[] = [];
  #listeners: (() => void)[] = [];

  constructor(nc: NatsConnection, subject: string) {
    nc.subscribe(subject, {
      callback: (error, msg) => {
        if (error !== null) return;
        this.messages.push({ subject: msg.subject, body: msg.json<T>(), msg });
        for (const listener of this.#listeners.splice(0)) listener();
      },
    });
  }

  get bodies(): T[] {
    return this.messages.map(({ body }) => body);
  }

  /** Resolves with the bodies as soon as they fulfil the condition. The test's own time-out ends a vain wait. */
  async until(condition: (bodies: T[]) => boolean): Promise<T[]> {
    for (;;) {
      const { bodies } = this;
      if (condition(bodies)) return bodies;
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }

  /** The first body that fits. */
  async first(fits: (body: T) => boolean): Promise<T> {
    const bodies = await this.until((all) => all.some(fits));
    return bodies.find(fits) as T;
  }

  async count(wanted: number): Promise<T[]> {
    return this.until((bodies) => bodies.length >= wanted);
  }
}
