// A TCP connection with a mark, as a stream of node's.
import { Duplex } from "node:stream";
import { parseAddress } from "@bunnel/wire";
import { connectMarked } from "./sys.ts";

/** A connection to an address that is on its way; what is written waits for it. Fails as any stream does. */
export function markedStream(address: string, port: number, mark: number): Duplex {
  const fd = connectMarked(parseAddress(address), port, mark);
  const stream = new MarkedStream();
  if (fd < 0) stream.destroy(new Error(`connecting to ${address} port ${port}: refused with errno ${-fd}`));
  else stream.open(fd);
  return stream;
}

/** Bun's types leave out that it takes a descriptor. */
const connectByDescriptor = Bun.connect as unknown as (options: Bun.FdSocketOptions) => Promise<Bun.Socket>;

class MarkedStream extends Duplex {
  #socket: Bun.Socket | undefined;
  /** What could not be sent yet, and who waits for that. */
  #unsent: { readonly octets: Uint8Array; readonly done: () => void } | undefined;

  open(fd: number): void {
    const opened = connectByDescriptor({
      fd,
      socket: {
        open: (socket) => {
          this.#socket = socket;
          this.#send();
        },
        drain: () => this.#send(),
        data: (_, octets) => void this.push(Uint8Array.from(octets)),
        end: () => void this.push(null),
        close: () => void this.destroy(),
        error: (_, error) => void this.destroy(error),
        connectError: (_, error) => void this.destroy(error),
      },
    });
    opened.catch((error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))));
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.#unsent = { octets: chunk, done };
    this.#send();
  }

  override _read(): void {}

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket?.terminate();
    done(error);
  }

  #send(): void {
    const unsent = this.#unsent;
    if (unsent === undefined || this.#socket === undefined) return;
    const sent = Math.max(0, this.#socket.write(unsent.octets));
    const rest = unsent.octets.subarray(sent);
    this.#unsent = rest.length === 0 ? undefined : { octets: rest, done: unsent.done };
    if (rest.length === 0) unsent.done();
  }
}
