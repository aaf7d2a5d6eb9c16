// A process that lives until its lifeline is cut, as `batuta worker --lifeline` does.
import { onLifelineCut } from "../../src/cli/serve/lifeline.ts";

setInterval(() => {}, 60_000);
onLifelineCut(process.stdin, () => process.exit(0));
process.stdout.write("ready\n");
