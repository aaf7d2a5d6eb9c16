// Several workers in one process, as a program of a user might run them: ids as arguments.
import { serve } from "batuta";

const workers = await Promise.all(
  process.argv.slice(2).map((workerId) => serve([], { workerId, slots: 2 })),
);
await Promise.all(workers.map(({ stopped }) => stopped));
