// The way of packets through one descriptor: system calls, and what their errors mean for the packets behind them.
import { DeviceError, type PacketList } from "@bunnel/device";
import { PACKET_MAX_BYTES } from "@bunnel/abi";
import { addressOf } from "@bunnel/ffi";
import { systemError } from "./errors.ts";
import * as sys from "./sys.ts";
import { hasInterface } from "./tun-requests.ts";

/** Pieces of one packet; empty ones do not count. */
const PIECES_MAX = 64;

/** What one failed system call means for the packets behind it. */
enum Outcome {
  Again,
  Stop,
  Refused,
}

export class PacketPath {
  readonly #calls = sys.packetCalls();
  readonly #pieces = new sys.Pieces(PIECES_MAX);
  readonly #fd: number;
  /** Octets that stand before each packet. */
  readonly #header: number;
  readonly #nameOf: () => string;
  /** Kept so that it stays where it is. */
  #memory: ArrayBufferLike | undefined;
  #base = 0;
  #memoryBytes = 0;
  #refused = 0;
  #full = false;

  /** @param nameOf asked when there is an error to tell */
  constructor(fd: number, headerBytes: number, nameOf: () => string) {
    this.#fd = fd;
    this.#header = headerBytes;
    this.#nameOf = nameOf;
  }

  /** Packets that the system refused for what they are. */
  get refused(): number {
    return this.#refused;
  }

  /** The last write found the queue full. */
  get full(): boolean {
    return this.#full;
  }

  attach(memory: ArrayBufferLike): void {
    this.#memory = memory;
    this.#memoryBytes = memory.byteLength;
    this.#base = addressOf(memory);
  }

  /** Lets go of the memory. */
  detach(): void {
    this.#memory = undefined;
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    this.#mustBeReady();
    const { at, lengths } = list;
    const header = this.#header;
    const base = this.#base - header;
    const room = Math.min(maxBytes, PACKET_MAX_BYTES) + header;
    let interrupted = 0;
    let i = from;
    while (i < at.length) {
      const start = at[i] ?? 0;
      this.#mustLieInside(start, room - header);
      const bytes = this.#calls.read(this.#fd, base + start, room);
      if (bytes >= header && bytes > 0) {
        lengths[i] = bytes - header;
        i++;
      } else if (bytes >= 0 || this.#readFailed(sys.errno(), interrupted++) === Outcome.Stop) {
        break;
      }
    }
    return i - from;
  }

  write(list: PacketList, from: number, to: number): number {
    this.#mustBeReady();
    const { at, lengths } = list;
    const header = this.#header;
    const base = this.#base - header;
    let interrupted = 0;
    let i = from;
    this.#full = false;
    while (i < to) {
      const start = at[i] ?? 0;
      const bytes = lengths[i] ?? 0;
      this.#mustLieInside(start, bytes);
      if (this.#calls.write(this.#fd, base + start, bytes + header) < 0) {
        const outcome = this.#writeFailed(sys.errno(), interrupted++);
        if (outcome === Outcome.Stop) break;
        if (outcome === Outcome.Again) continue;
        this.#refused++;
      }
      i++;
    }
    return i - from;
  }

  readv(parts: readonly Uint8Array[]): number {
    mustBeFew(parts);
    for (let interrupted = 0; ; interrupted++) {
      const bytes = this.#pieces.read(this.#fd, parts);
      if (bytes >= 0) return bytes;
      if (this.#readFailed(sys.errno(), interrupted) === Outcome.Stop) return -1;
    }
  }

  writev(parts: readonly Uint8Array[]): boolean {
    mustBeFew(parts);
    this.#full = false;
    for (let interrupted = 0; ; interrupted++) {
      if (this.#pieces.write(this.#fd, parts) > 0) return true;
      // Of nothing, the kernel writes nothing and calls it a success.
      const outcome = parts.every(({ length }) => length === 0)
        ? Outcome.Refused
        : this.#writeFailed(sys.errno(), interrupted);
      if (outcome === Outcome.Stop) return false;
      if (outcome === Outcome.Again) continue;
      this.#refused++;
      return true;
    }
  }

  #readFailed(errno: number, interrupted: number): Outcome {
    if (errno === sys.EINTR && interrupted < sys.EINTR_RETRIES_MAX) return Outcome.Again;
    if (errno === sys.EAGAIN || errno === sys.EINTR) return Outcome.Stop;
    throw this.#failure("reading from", errno);
  }

  #writeFailed(errno: number, interrupted: number): Outcome {
    switch (errno) {
      case sys.EINTR:
        return interrupted < sys.EINTR_RETRIES_MAX ? Outcome.Again : Outcome.Stop;
      case sys.EAGAIN:
      case sys.ENOBUFS:
      case sys.ENOMEM:
        this.#full = true;
        return Outcome.Stop;
      case sys.EIO:
        // An interface that is down takes nothing, as one without a cable; it has not gone.
        if (hasInterface(this.#fd)) return Outcome.Refused;
        throw this.#failure("writing to", errno);
      case sys.EBADF:
      case sys.EBADFD:
      case sys.ENODEV:
      case sys.ENXIO:
      case sys.EFAULT:
        throw this.#failure("writing to", errno);
      default:
        return Outcome.Refused;
    }
  }

  #failure(doing: string, errno: number): DeviceError {
    if (errno === sys.EFAULT || (errno !== sys.EBADF && hasInterface(this.#fd))) {
      return systemError(`${doing} ${this.#nameOf()}`, errno);
    }
    return new DeviceError(
      "E_DEVICE_GONE",
      `${doing} ${this.#nameOf()}: expected an interface, found it deleted`,
      errno,
    );
  }

  #mustBeReady(): void {
    if (!this.#memory) {
      throw new DeviceError("E_DEVICE_STATE", `device ${this.#nameOf()}: expected a memory by attach(), found none`);
    }
  }

  /** The kernel would read and write whatever lies there. */
  #mustLieInside(start: number, bytes: number): void {
    if (start < this.#header || start + bytes > this.#memoryBytes) {
      throw new RangeError(
        `packet at ${start} of ${bytes} octets: expected ${this.#header} to ${this.#memoryBytes}, found outside`,
      );
    }
  }
}

function mustBeFew(parts: readonly Uint8Array[]): void {
  if (parts.length <= PIECES_MAX) return;
  throw new DeviceError("E_DEVICE_OPTION", `pieces of a packet: expected at most ${PIECES_MAX}, found ${parts.length}`);
}
