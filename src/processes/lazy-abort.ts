/**
 * An AbortController that is made when somebody looks at its signal: most executions end before
 * anybody does, and the controller is the dearest object of a no-op run.
 */
export class LazyAbort {
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    return this.#made().signal;
  }

  get aborted(): boolean {
    return this.#controller?.signal.aborted ?? false;
  }

  abort(reason: Error): void {
    this.#made().abort(reason);
  }

  #made(): AbortController {
    this.#controller ??= new AbortController();
    return this.#controller;
  }
}
