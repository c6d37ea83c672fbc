// bunnel capture: what comes up and what leaves in its place, as a live pcapng with a sentence about each packet.
import { closeSync, openSync, writeSync } from "node:fs";
import { InvalidArgumentError, type Command } from "commander";
import { CaptureFile } from "../capture/capture-file.ts";
import { ExchangeFilter } from "../capture/filter.ts";
import { MessageReader } from "../capture/message-reader.ts";
import { readPacketEvent, type SeenPacket } from "../capture/packet-event.ts";
import { watchControl } from "../control/client.ts";
import { askService, notRunning } from "../control/service.ts";
import { ExitError } from "../service/exit.ts";
import type { RuleLine } from "../control/answers.ts";
import { DEFAULT_STATE_DIR, statePaths } from "../service/state-dir.ts";
import type { ServiceStatus } from "./status.ts";

interface CaptureOptions {
  readonly output: string;
  readonly host?: string;
  readonly rule?: string;
  readonly port?: number;
  readonly messages?: boolean;
  readonly seconds?: number;
  readonly size: number;
  readonly count?: number;
  readonly stateDir: string;
  readonly json?: boolean;
}

const MIB = 1024 * 1024;
const PORT_MAX = 65_535;
/** Only its owner reads it: it holds what programs say in the clear. */
const OWNER_ONLY = 0o600;

export function register(program: Command): void {
  program
    .command("capture")
    .description("write what comes up and what leaves in its place as pcapng, each packet with what was done to it")
    .requiredOption(
      "-o, --output <file>",
      'file to write, "-" for standard output: bunnel capture -o - | wireshark -k -i -',
    )
    .option("--host <name>", "flows for this name or one below it, from their first message on")
    .option("--rule <name>", "flows that this rule decided")
    .option("--port <number>", "packets from or to this port", readPort)
    .option("-m, --messages", "only packets with a message in them, and what left for them")
    .option("-s, --seconds <number>", "end after so long (default: at Ctrl-C)", readNumber)
    .option("-C, --size <mebibytes>", "end when so much is written", readNumber, 100)
    .option("-n, --count <packets>", "end after so many packets", readNumber)
    .option("--state-dir <dir>", "where the service keeps its state", DEFAULT_STATE_DIR)
    .option("--json", "say as JSON, a line each, on what it captures and what was written")
    .action(capture);
}

function readNumber(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError("expected a number above 0");
}

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= PORT_MAX) return port;
  throw new InvalidArgumentError(`expected 1 to ${PORT_MAX}`);
}

async function capture(options: CaptureOptions): Promise<void> {
  const { socket } = statePaths(options.stateDir);
  const { device } = (await askService(socket, "status")) as ServiceStatus;
  const rules = (await askService(socket, "rules")) as readonly RuleLine[];
  const strategies = new Map(rules.map(({ name, strategy }) => [name, strategy]));
  const ending = new AbortController();
  const event = options.messages === true ? "messages" : "packets";
  const events = await watchControl(socket, [event], ending.signal);
  if (events === undefined) throw notRunning(socket);
  using output = openOutput(options.output);
  const file = new CaptureFile(output.write, device, (rule) => strategies.get(rule));
  const taking = new Taking(file, options);
  const end = (): void => ending.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
  const timer = options.seconds === undefined ? undefined : setTimeout(end, options.seconds * 1000);
  let lost = 0;
  const { output: path } = options;
  say(options, { device, output: path }, `capturing on ${device} into ${path}; Ctrl-C ends it`);
  for await (const { data } of events) {
    const told = readPacketEvent(data);
    lost = told.lost;
    for (const packet of told.packets) if (!taking.isFull(output.bytes)) taking.take(packet);
    if (output.isClosed || taking.isFull(output.bytes)) break;
  }
  clearTimeout(timer);
  const { packets } = file;
  const { bytes } = output;
  const said = lost === 0 ? "" : `; ${lost} found no room and are not in it`;
  say(options, { packets, bytes, lost, output: path }, `${packets} packets, ${bytes} octets written to ${path}${said}`);
}

/** On standard error: standard output may be the capture. */
function say({ json }: CaptureOptions, value: object, text: string): void {
  process.stderr.write(`${json ? JSON.stringify(value) : text}\n`);
}

/** From packets told to packets written. */
class Taking {
  readonly #reader = new MessageReader();
  readonly #filter: ExchangeFilter;

  constructor(
    readonly file: CaptureFile,
    readonly options: CaptureOptions,
  ) {
    const { host, rule, port } = options;
    this.#filter = new ExchangeFilter({
      ...(host !== undefined && { host }),
      ...(rule !== undefined && { rule }),
      ...(port !== undefined && { port }),
    });
  }

  take(packet: SeenPacket): void {
    const isFiltered = Object.keys(this.#filter.filter).length > 0;
    if (packet.side === "released" && !isFiltered) this.file.writeReleased(packet);
    const exchange = this.#reader.take(packet);
    if (exchange !== undefined && this.#filter.fits(exchange)) this.file.write(exchange);
  }

  isFull(bytes: number): boolean {
    const { size, count } = this.options;
    return bytes >= size * MIB || (count !== undefined && this.file.packets >= count);
  }
}

interface Output extends Disposable {
  readonly bytes: number;
  /** Whoever read it is gone. */
  readonly isClosed: boolean;
  readonly write: (piece: Uint8Array) => void;
}

/** @throws ExitError when the file cannot be written */
function openOutput(path: string): Output {
  const fd = path === "-" ? process.stdout.fd : openFile(path);
  let bytes = 0;
  let isClosed = false;
  return {
    get bytes() {
      return bytes;
    },
    get isClosed() {
      return isClosed;
    },
    write(piece) {
      if (isClosed) return;
      try {
        for (let at = 0; at < piece.length;) at += writeSync(fd, piece, at);
        bytes += piece.length;
      } catch (cause) {
        // The viewer was closed: that is how such a capture ends.
        if (path !== "-" || !(cause instanceof Error && "code" in cause && cause.code === "EPIPE")) throw cause;
        isClosed = true;
      }
    },
    [Symbol.dispose]() {
      if (path !== "-") closeSync(fd);
    },
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, "w", OWNER_ONLY);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExitError(`capture ${path} cannot be written: ${why}`, 1, { cause });
  }
}
