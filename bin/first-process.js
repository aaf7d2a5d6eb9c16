// The first process of a container ignores every signal that it does not handle: one that comes while
// the program is still being loaded would be lost, and the worker killed when its drain time is over.
if (process.pid === 1) {
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => {
      // From the moment that the command has a handler of its own, the signal is its business.
      if (process.listenerCount(signal) === 1) process.exit(signal === "SIGTERM" ? 143 : 130);
    });
  }
}
