// The control socket: one JSON request a line, one JSON answer a line. Only its owner can open it.
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";

export const CONTROL_VERSION = 1;
/** Longest request; what is longer ends the connection. */
const REQUEST_MAX_BYTES = 64 * 1024;
const CLIENTS_MAX = 16;
const IDLE_MS = 30_000;
const ANSWER_MS = 5_000;

export interface ControlRequest {
  readonly version: number;
  readonly command: string;
}

export type ControlAnswer =
  | { readonly version: number; readonly ok: true; readonly result: unknown }
  | { readonly version: number; readonly ok: false; readonly error: string };

export type ControlHandler = (command: string) => Promise<unknown>;

/** Listens at `path`. @throws Error EADDRINUSE when somebody answers there already */
export async function serveControl(path: string, handle: ControlHandler): Promise<Server> {
  if (await isAnswered(path)) throw new Error(`control socket ${path} is in use`);
  rmSync(path, { force: true });
  const server = createServer((socket) => serveClient(socket, handle));
  server.maxConnections = CLIENTS_MAX;
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(path, listening.resolve);
  await listening.promise;
  chmodSync(path, 0o600);
  return server;
}

function serveClient(socket: Socket, handle: ControlHandler): void {
  let text = "";
  socket.setEncoding("utf8");
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: string) => {
    text += chunk;
    if (text.length > REQUEST_MAX_BYTES) {
      socket.destroy();
      return;
    }
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) void answer(line, handle).then((said) => socket.write(`${JSON.stringify(said)}\n`));
  });
}

async function answer(line: string, handle: ControlHandler): Promise<ControlAnswer> {
  try {
    const request = JSON.parse(line) as Partial<ControlRequest> | null;
    if (request?.version !== CONTROL_VERSION || typeof request.command !== "string") {
      throw new Error(`request: expected {"version":${CONTROL_VERSION},"command":…}, found ${line.slice(0, 80)}`);
    }
    return { version: CONTROL_VERSION, ok: true, result: await handle(request.command) };
  } catch (error) {
    return { version: CONTROL_VERSION, ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Whether a living service answers at `path`. */
export async function isAnswered(path: string): Promise<boolean> {
  return (await askControl(path, "ping")) !== undefined;
}

/** Asks the service at `path`; undefined: nobody answers. @throws Error with what the service says went wrong */
export async function askControl(path: string, command: string): Promise<unknown> {
  const answered = Promise.withResolvers<ControlAnswer | undefined>();
  const socket = connect(path);
  let text = "";
  socket.setEncoding("utf8");
  socket.setTimeout(ANSWER_MS, () => answered.resolve(undefined));
  socket.on("error", () => answered.resolve(undefined));
  socket.on("close", () => answered.resolve(undefined));
  socket.on("connect", () => socket.write(`${JSON.stringify({ version: CONTROL_VERSION, command })}\n`));
  socket.on("data", (chunk: string) => {
    text += chunk;
    const end = text.indexOf("\n");
    if (end >= 0) answered.resolve(JSON.parse(text.slice(0, end)) as ControlAnswer);
  });
  const said = await answered.promise;
  socket.destroy();
  if (said === undefined) return undefined;
  if (!said.ok) throw new Error(said.error);
  return said.result;
}
