import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram, installOnce } from "./debian.ts";
import { freePorts } from "./free-ports.ts";

const BIN = "/usr/lib/rabbitmq/bin";
const run = promisify(execFile);

/** A RabbitMQ of a script or a test file of its own: with its own node name, ports and data. */
export class OwnRabbit {
  readonly url: string;
  readonly port: number;
  /** Of its management API, where it was asked for. */
  readonly managementPort: number | undefined;
  readonly #env: NodeJS.ProcessEnv;
  #process: ChildProcess | undefined;

  private constructor(port: number, managementPort: number | undefined, env: NodeJS.ProcessEnv) {
    this.port = port;
    this.managementPort = managementPort;
    this.#env = env;
    this.url = `amqp://guest:guest@127.0.0.1:${port}`;
  }

  /** Debian's, which is installed first where it is missing. @throws Error where there can be none. */
  static async start({ withManagement = false } = {}): Promise<OwnRabbit> {
    const isThere = () => findProgram(["rabbitmq-server"], [BIN]) !== undefined;
    if (!isThere()) await installOnce(["rabbitmq-server", "amqp-tools"], isThere);
    const [port = 0, distPort = 0, epmdPort = 0, httpPort = 0] = await freePorts(4);
    const folder = await mkdtemp(join(tmpdir(), "batuta-rabbit-"));
    await writeFile(join(folder, "rabbitmq.conf"), withManagement ? managementAt(httpPort) : "");
    const plugins = withManagement ? "[rabbitmq_management]." : "[].";
    await writeFile(join(folder, "enabled_plugins"), plugins);
    const rabbit = new OwnRabbit(port, withManagement ? httpPort : undefined, {
      ...process.env,
      HOME: folder,
      RABBITMQ_NODENAME: `batuta-${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distPort),
      RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
      RABBITMQ_LOG_BASE: join(folder, "log"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
      RABBITMQ_CONF_ENV_FILE: "/dev/null",
      RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
      ERL_CRASH_DUMP: join(folder, "erl_crash.dump"),
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: "127.0.0.1",
    });
    await rabbit.begin();
    return rabbit;
  }

  /** Begins, once more after `kill`; resolves when it takes clients. */
  async begin(): Promise<void> {
    // A group of its own: the shell that starts it passes no signal on.
    const child = spawn(join(BIN, "rabbitmq-server"), { env: this.#env, detached: true });
    this.#process = child;
    let output = "";
    await new Promise<void>((resolve, reject) => {
      const hear = (text: Buffer) => {
        output += text;
        if (/completed with \d+ plugins|startup complete/i.test(output)) resolve();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("exit", (code) => reject(new Error(`rabbitmq ended (${code}): ${output}`)));
    });
  }

  /** What `rabbitmqctl` prints. */
  async control(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(join(BIN, "rabbitmqctl"), ["-q", ...args], { env: this.#env });
    return stdout;
  }

  /** With SIGKILL, all of it at once. */
  async kill(): Promise<void> {
    const { pid } = this.#process ?? {};
    if (pid === undefined) return;
    const ended = new Promise((resolve) => this.#process?.once("exit", resolve));
    process.kill(-pid, "SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    await run("epmd", ["-kill"], { env: this.#env }).catch(() => {});
    await rm(this.#env.HOME ?? "", { recursive: true, force: true, maxRetries: 5 });
  }
}

function managementAt(port: number): string {
  return `management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = ${port}\n`;
}
