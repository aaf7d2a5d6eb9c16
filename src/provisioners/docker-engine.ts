import type { IncomingMessage } from "node:http";
import {
  type Container,
  type ContainerDeath,
  containersFrom,
  deathIn,
  type Marks,
  runsBy,
  textIn,
} from "./docker-container.ts";
import { DockerSocket, type EngineAnswer, type EngineCall } from "./docker-socket.ts";
import { ProvisionError } from "./provisioner.ts";

/** An event of the engine has about 1 kB, and as much again for each label. */
const MAX_LINE = 1_024 * 1_024;

/** A container by its id; the name is for people. */
export type Named = Pick<Container, "id" | "name">;

/** The few calls of the Docker Engine API that are needed, for the containers that carry `marks`. */
export class DockerEngine {
  readonly #socket: DockerSocket;
  readonly #marks: Marks;

  constructor(socketPath: string, marks: Marks) {
    this.#socket = new DockerSocket(socketPath);
    this.#marks = marks;
  }

  /** All of them, those that have ended included. */
  async list(signal: AbortSignal): Promise<readonly Container[]> {
    const query = { all: "true", filters: JSON.stringify({ label: this.#labels }) };
    const call = { method: "GET", path: "/containers/json", query } as const;
    const { text } = await this.#done(call, signal, "cannot list containers");
    return containersFrom(text, this.#marks);
  }

  /** Its id; undefined when the name is taken. */
  async create(name: string, spec: object, signal: AbortSignal): Promise<string | undefined> {
    const call = {
      method: "POST",
      path: "/containers/create",
      query: { name },
      body: spec,
    } as const;
    const answer = await this.#socket.call(call, signal);
    if (answer.status === 409) return undefined;
    if (answer.status === 404) throw noImage(answer);
    if (answer.status !== 201) throw refusal(`cannot create container ${name}`, answer);
    return textIn(answer.text, "Id");
  }

  async start({ id, name }: Named, signal: AbortSignal): Promise<void> {
    const call = { method: "POST", path: `/containers/${id}/start` } as const;
    await this.#done(call, signal, `cannot start container ${name}`);
  }

  /** Resolves when it has ended. False when there was nothing to stop: it is gone, or was never started. */
  async stop({ id, name }: Named, seconds: number, signal: AbortSignal): Promise<boolean> {
    const query = { t: String(seconds) };
    const call = { method: "POST", path: `/containers/${id}/stop`, query } as const;
    const answer = await this.#done(call, signal, `cannot stop container ${name}`, [404]);
    return answer.status === 204;
  }

  /** Removes it even while it runs. One that is gone, or on its way out, is passed over. */
  async remove({ id, name }: Named, signal: AbortSignal): Promise<void> {
    const query = { force: "true", v: "true" };
    const call = { method: "DELETE", path: `/containers/${id}`, query } as const;
    await this.#done(call, signal, `cannot remove container ${name}`, [404, 409]);
  }

  async runs({ id, name }: Named, signal: AbortSignal): Promise<boolean> {
    const call = { method: "GET", path: `/containers/${id}/json` } as const;
    const answer = await this.#done(call, signal, `cannot look at container ${name}`, [404]);
    return answer.status === 200 && runsBy(answer.text);
  }

  /** Who dies from now on; resolves once the engine listens, and ends when it stops telling. */
  async deaths(signal: AbortSignal): Promise<AsyncIterable<ContainerDeath>> {
    const filters = { type: ["container"], event: ["die"], label: this.#labels };
    const query = { filters: JSON.stringify(filters) };
    const stream = await this.#socket.open({ method: "GET", path: "/events", query }, signal);
    if (stream.statusCode === 200) return deathsOf(stream, this.#marks);
    stream.destroy();
    throw new ProvisionError(`the Docker engine tells no events: status ${stream.statusCode}`);
  }

  get #labels(): readonly string[] {
    return Object.entries(this.#marks).map(([key, value]) => `${key}=${value}`);
  }

  async #done(
    call: EngineCall,
    signal: AbortSignal,
    what: string,
    alsoFine: readonly number[] = [],
  ): Promise<EngineAnswer> {
    const answer = await this.#socket.call(call, signal);
    const { status } = answer;
    // 304: it was so already.
    const isFine = (status >= 200 && status < 300) || status === 304 || alsoFine.includes(status);
    if (!isFine) throw refusal(what, answer);
    return answer;
  }
}

async function* deathsOf(stream: IncomingMessage, marks: Marks): AsyncGenerator<ContainerDeath> {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE)
      throw new ProvisionError("the Docker engine tells an endless event");
    for (const line of lines) {
      const death = line.trim() === "" ? undefined : deathIn(line, marks);
      if (death !== undefined) yield death;
    }
  }
}

function noImage(answer: EngineAnswer): ProvisionError {
  const help =
    "bring the image to the engine (docker pull, docker build) or name another one with BATUTA_SCALING_DOCKER_IMAGE";
  return new ProvisionError(`the Docker engine has not got it: ${messageOf(answer)}; ${help}`);
}

function refusal(what: string, answer: EngineAnswer): ProvisionError {
  return new ProvisionError(`${what}: ${messageOf(answer)} (status ${answer.status})`);
}

/** Engines answer errors as `{message}`; what stands between may answer anything. */
function messageOf({ text }: EngineAnswer): string {
  try {
    return textIn(text, "message").slice(0, 500);
  } catch {
    return text.trim().slice(0, 200) || "no reason given";
  }
}
