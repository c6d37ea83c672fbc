// The service's side of the control socket. Only its owner and root can open it; what arrives is checked all the same.
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import * as v from "valibot";
import { Allowance } from "./allowance.ts";
import { PIPE_PREFIX } from "../service/state-dir.ts";
import { isAnswered } from "./client.ts";
import { Lines } from "./lines.ts";
import {
  CLIENTS_MAX,
  ControlError,
  EVENTS,
  IDLE_MS,
  lineOf,
  PLAIN_EVENTS,
  REQUEST_MAX,
  REQUESTS_A_SECOND,
  REQUESTS_BURST,
  requestSchema,
  UNREAD_MAX_BYTES,
  type ControlEvent,
  type ControlRequest,
} from "./protocol.ts";

/** What a command does. Its arguments come from outside and are checked by it. */
export type ControlCommand = (given: Readonly<Record<string, unknown>>) => unknown;
export type ControlCommands = Readonly<Record<string, ControlCommand>>;

const watchSchema = v.strictObject({ events: v.optional(v.array(v.picklist(EVENTS)), [...PLAIN_EVENTS]) });

interface Client {
  readonly socket: Socket;
  readonly lines: Lines;
  readonly allowance: Allowance;
  readonly watched: Set<ControlEvent>;
}

export class ControlServer implements Disposable {
  readonly #clients = new Set<Client>();
  /** Called when somebody begins or ends to watch. */
  whenWatchersChange: () => void = () => undefined;

  private constructor(
    readonly path: string,
    readonly commands: ControlCommands,
    readonly server: Server,
  ) {
    server.on("connection", (socket: Socket) => this.#welcome(socket));
  }

  /** Listens at `path`, for its owner alone. @throws ControlError E_BUSY when a service answers there already */
  static async open(path: string, commands: ControlCommands): Promise<ControlServer> {
    if (await isAnswered(path))
      throw new ControlError("E_BUSY", `control socket ${path}: another service answers there`);
    const isFile = !path.startsWith(PIPE_PREFIX);
    if (isFile) rmSync(path, { force: true });
    const server = createServer();
    const listening = Promise.withResolvers<void>();
    server.once("error", listening.reject);
    const mask = process.umask(0o177);
    server.listen(path, listening.resolve);
    process.umask(mask);
    await listening.promise;
    if (isFile) chmodSync(path, 0o600);
    return new ControlServer(path, commands, server);
  }

  /** Clients connected now. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Whether anybody asked for this event: making it may be left out otherwise. */
  isWatched(event: ControlEvent): boolean {
    return [...this.#clients].some((client) => client.watched.has(event));
  }

  /** The most that one of the clients has not read yet. */
  get unreadBytes(): number {
    return Math.max(0, ...[...this.#clients].map(({ socket }) => socket.writableLength));
  }

  /** Tells all who watch for it. */
  notify(event: ControlEvent, data: unknown): void {
    const line = lineOf({ event, data });
    for (const client of this.#clients) {
      if (client.watched.has(event)) send(client, line);
    }
  }

  /** Closes the socket; who is connected is sent away after what was said to him. */
  close(): void {
    this.server.close();
    for (const { socket } of this.#clients) socket.end();
    if (!this.path.startsWith(PIPE_PREFIX)) rmSync(this.path, { force: true });
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #welcome(socket: Socket): void {
    socket.setEncoding("utf8");
    socket.on("error", () => socket.destroy());
    if (this.#clients.size >= CLIENTS_MAX) {
      socket.end(lineOf({ ok: false, code: "E_BUSY", error: `clients: expected at most ${CLIENTS_MAX} at a time` }));
      return;
    }
    const client: Client = {
      socket,
      lines: new Lines(REQUEST_MAX),
      allowance: new Allowance(REQUESTS_BURST, REQUESTS_A_SECOND),
      watched: new Set(),
    };
    this.#clients.add(client);
    socket.on("close", () => {
      this.#clients.delete(client);
      if (client.watched.size > 0) this.whenWatchersChange();
    });
    socket.setTimeout(IDLE_MS, () => {
      if (client.watched.size === 0) socket.destroy();
    });
    // One request after the other, so that answers come in the order of the requests.
    let before = Promise.resolve();
    socket.on("data", (chunk: string) => {
      try {
        for (const line of client.lines.take(chunk)) before = before.then(() => this.#serve(client, line));
      } catch {
        socket.destroy();
      }
    });
  }

  async #serve(client: Client, line: string): Promise<void> {
    if (line.trim() === "" || client.socket.destroyed) return;
    let id: number | undefined;
    try {
      const request = readRequest(line);
      id = request.id;
      if (!client.allowance.take()) {
        throw new ControlError("E_BUSY", `requests: expected at most ${REQUESTS_A_SECOND} a second, found more`);
      }
      const result = await this.#carryOut(client, request);
      send(client, lineOf({ id, ok: true, result: result ?? null }));
    } catch (error) {
      const code = error instanceof ControlError ? error.code : "E_FAILED";
      send(client, lineOf({ id, ok: false, code, error: error instanceof Error ? error.message : String(error) }));
    }
  }

  #carryOut(client: Client, { command, arguments: given }: ControlRequest): unknown {
    if (command === "ping") return "pong";
    if (command === "watch") {
      const { events } = checked(watchSchema, given);
      for (const event of events) client.watched.add(event);
      this.whenWatchersChange();
      return { events };
    }
    const act = Object.hasOwn(this.commands, command) ? this.commands[command] : undefined;
    if (act !== undefined) return act(given);
    const known = ["ping", "watch", ...Object.keys(this.commands)].join(", ");
    throw new ControlError("E_COMMAND", `command: expected one of ${known}, found ${JSON.stringify(command)}`);
  }
}

function readRequest(line: string): ControlRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new ControlError(
      "E_REQUEST",
      `request: expected JSON in one line, found ${JSON.stringify(line.slice(0, 80))}`,
    );
  }
  const result = v.safeParse(requestSchema, value);
  if (result.success) return result.output;
  const shape = '{"version":1,"command":"status"}';
  throw new ControlError("E_REQUEST", `request: expected such as ${shape}, found ${line.slice(0, 80)}`);
}

/** Arguments that fit. @throws ControlError E_ARGUMENTS with the first that does not */
export function checked<Schema extends v.GenericSchema>(
  schema: Schema,
  given: Readonly<Record<string, unknown>>,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, given);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? "arguments";
  const expected = issue.expected ?? "something else";
  throw new ControlError("E_ARGUMENTS", `${where}: expected ${expected}, found ${issue.received}`);
}

function send(client: Client, line: string): void {
  if (client.socket.writableLength > UNREAD_MAX_BYTES) client.socket.destroy();
  else client.socket.write(line);
}
