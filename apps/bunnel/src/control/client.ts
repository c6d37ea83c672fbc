// The program's side of the control socket.
import { connect, type Socket } from "node:net";
import * as v from "valibot";
import { Lines } from "./lines.ts";
import {
  ANSWER_MS,
  ControlError,
  lineOf,
  saidSchema,
  type ControlErrorCode,
  type ControlEvent,
  type ControlSaid,
} from "./protocol.ts";

/** Longest line that a service says, in UTF-16 units. */
const SAID_MAX = 64 * 1024 * 1024;

export interface Notification {
  readonly event: ControlEvent;
  readonly data: unknown;
}

/**
 * Asks the service at `path`; undefined: nobody answers.
 * @throws ControlError with the service's own code and words when it refuses
 */
export async function askControl(
  path: string,
  command: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  await using connection = await Connection.open(path);
  return await connection?.ask(command, given);
}

/** Whether a living service answers at `path`. */
export async function isAnswered(path: string): Promise<boolean> {
  try {
    return (await askControl(path, "ping")) !== undefined;
  } catch (error) {
    // Too busy to answer is alive.
    if (error instanceof ControlError) return true;
    throw error;
  }
}

/**
 * What happens to the service at `path`, until it ends, the loop is left or the signal says so. Undefined: nobody
 * answers.
 */
export async function watchControl(
  path: string,
  events: readonly ControlEvent[],
  signal?: AbortSignal,
): Promise<AsyncGenerator<Notification, void> | undefined> {
  const connection = await Connection.open(path);
  if (connection === undefined) return undefined;
  if ((await connection.ask("watch", { events })) === undefined) return undefined;
  signal?.addEventListener("abort", () => connection.socket.destroy(), { once: true });
  return connection.notifications();
}

function denied(path: string, cause: Error): ControlError {
  const why = "only the service's user and root may open it; ask as root, for example with sudo";
  return new ControlError("E_DENIED", `control socket ${path}: ${why}`, { cause });
}

class Connection {
  readonly #lines = new Lines(SAID_MAX);
  readonly #said: ControlSaid[] = [];
  #isOver = false;
  #wake: (() => void) | undefined;

  private constructor(readonly socket: Socket) {
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => this.#hear(chunk));
    socket.on("error", () => this.#end());
    socket.on("close", () => this.#end());
  }

  /** Undefined: nobody is there. @throws ControlError E_DENIED when this user may not ask whether there is */
  static async open(path: string): Promise<Connection | undefined> {
    const opened = Promise.withResolvers<boolean>();
    const socket = connect(path);
    socket.once("connect", () => opened.resolve(true));
    socket.once("error", (error) => {
      if ("code" in error && (error.code === "EACCES" || error.code === "EPERM")) opened.reject(denied(path, error));
      else opened.resolve(false);
    });
    const connection = new Connection(socket);
    return (await opened.promise) ? connection : undefined;
  }

  async ask(command: string, given: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.socket.write(lineOf({ command, arguments: given }));
    for (;;) {
      const said = await this.#next(ANSWER_MS);
      if (said === undefined) return undefined;
      if ("event" in said) continue;
      if (said.ok) return said.result;
      throw new ControlError(said.code as ControlErrorCode, said.error);
    }
  }

  async *notifications(): AsyncGenerator<Notification, void> {
    try {
      for (;;) {
        const said = await this.#next();
        if (said === undefined) return;
        if ("event" in said) yield { event: said.event, data: said.data };
      }
    } finally {
      this.socket.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
  }

  /** Undefined: the other side is gone, or the time is over. */
  async #next(timeoutMs?: number): Promise<ControlSaid | undefined> {
    const deadline = timeoutMs === undefined ? undefined : setTimeout(() => this.#end(), timeoutMs);
    try {
      while (this.#said.length === 0 && !this.#isOver) {
        const woken = Promise.withResolvers<void>();
        this.#wake = woken.resolve;
        await woken.promise;
      }
      return this.#said.shift();
    } finally {
      clearTimeout(deadline);
    }
  }

  #hear(chunk: string): void {
    try {
      for (const line of this.#lines.take(chunk)) this.#said.push(v.parse(saidSchema, JSON.parse(line)));
    } catch {
      // Whatever answers there is no service of ours.
      this.#end();
    }
    this.#wake?.();
  }

  #end(): void {
    this.#isOver = true;
    this.socket.destroy();
    this.#wake?.();
  }
}
