// What both back ends share: the memory, the ports, waiting, and the books.
import { GROUP_AT, GROUP_BYTES, GROUP_FIRST, GROUP_OCTETS, GROUP_PIECES, VNET_HEADER_BYTES } from "@bunnel/abi";
import { DeviceError, Wake, type PacketList } from "@bunnel/device";
import { addressOf, errnoName } from "@bunnel/ffi";
import { systemError } from "../errors.ts";
import * as tun from "../sys.ts";
import type { LoneSleep } from "./lone-sleep.ts";
import { Outcome, outcomeOfWrite } from "./outcome.ts";
import type { Merger, Pump, PumpBackend, PumpCounters, PumpPort, PumpSleep } from "./pump.ts";
import * as sys from "./sys.ts";

/** What a pump is made of. */
export interface PumpParts {
  readonly memory: SharedArrayBuffer;
  readonly ports: readonly PumpPort[];
  /** An eventfd(2) that ends a wait. */
  readonly eventFd: number;
  readonly reason: string;
  readonly sleep?: LoneSleep | undefined;
  /** See PumpOptions. */
  readonly busyPollUs?: number;
}

const IOVEC_BYTES = 16;
export const GROUP_WORDS = GROUP_BYTES / 4;
export const FIRST_WORD = GROUP_FIRST / 4;
export const PIECES_WORD = GROUP_PIECES / 4;
export const AT_WORD = GROUP_AT / 4;
export const OCTETS_WORD = GROUP_OCTETS / 4;

export abstract class PumpBase implements Pump {
  abstract readonly backend: PumpBackend;
  abstract readonly sleep: PumpSleep;
  abstract readonly woken: Wake;
  readonly reason: string;
  readonly base: number;
  /** Kept so that it stays where it is. */
  protected readonly memory: SharedArrayBuffer;
  /** A shared buffer keeps its size, and asking it took 20 ns a packet. */
  readonly #memoryBytes: number;
  protected readonly ports: readonly PumpPort[];
  protected readonly calls = sys.pumpCalls();
  /** Packets, by the pump's life. */
  protected readCount = 0;
  protected writtenCount = 0;
  #refusedCount = 0;
  readonly #refused = new Map<number, number>();
  readonly #poll: tun.PollSet;
  readonly #eventFd: number;
  #loosened = 0;
  #open = true;

  constructor({ memory, ports, eventFd, reason }: PumpParts) {
    this.memory = memory;
    this.#memoryBytes = memory.byteLength;
    this.ports = ports;
    this.reason = reason;
    this.base = addressOf(memory);
    this.#eventFd = eventFd;
    this.#poll = new tun.PollSet(ports.length + 1);
    this.#poll.set(0, eventFd);
    for (const [i, { fd, polled = true }] of ports.entries()) if (polled) this.#poll.set(i + 1, fd);
  }

  get refused(): number {
    return this.#refusedCount;
  }

  get loosened(): number {
    return this.#loosened;
  }

  abstract read(port: number, list: PacketList, from: number, maxBytes: number): number;
  abstract mayHaveMore(port: number): boolean;
  abstract receive(port: number, list: PacketList, from: number, maxBytes: number, timeoutMs: number): number;
  abstract write(port: number, list: PacketList, from: number, to: number): number;
  abstract writeGroups(port: number, merger: Merger, count: number): number;

  wait(timeoutMs: number): Wake {
    for (let i = 0; i < tun.EINTR_RETRIES_MAX; i++) {
      const ready = this.#poll.poll(timeoutMs);
      if (ready === 0) return Wake.Timeout;
      if (ready > 0) return this.#cause();
      const errno = sys.errno();
      if (errno !== tun.EINTR) throw systemError("waiting for packets", errno);
      // How much of the time is over cannot be told without a clock; who waits with a limit looks again earlier.
      if (timeoutMs >= 0) return Wake.Timeout;
    }
    return Wake.Woken;
  }

  counters(): PumpCounters {
    const refused: Record<string, number> = {};
    for (const [errno, packets] of this.#refused) refused[errnoName(errno)] = packets;
    return { read: this.readCount, written: this.writtenCount, refused };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Gives back what a back end opened. */
  protected abstract release(): void;

  /** @throws RangeError for a port that is not there, DeviceError E_DEVICE_STATE after `close` */
  protected portAt(index: number): PumpPort {
    if (!this.#open) throw new DeviceError("E_DEVICE_STATE", "pump: expected open, found closed");
    const port = this.ports[index];
    if (!port) throw new RangeError(`port of the pump: expected 0..${this.ports.length - 1}, found ${index}`);
    return port;
  }

  /** A port that groups can be written to. */
  protected groupPortAt(index: number): PumpPort {
    const port = this.portAt(index);
    if (port.headerBytes === VNET_HEADER_BYTES) return port;
    const found = `expected ${VNET_HEADER_BYTES} octets of virtio header, found ${port.headerBytes}`;
    throw new DeviceError("E_UNSUPPORTED", `groups to ${port.name}: ${found}`);
  }

  /** The kernel would read and write whatever lies there. */
  protected mustLieInside(start: number, bytes: number, header: number): void {
    if (start >= header && start + bytes <= this.#memoryBytes) return;
    const expected = `expected ${header} to ${this.#memoryBytes}, found outside`;
    throw new RangeError(`packet at ${start} of ${bytes} octets: ${expected}`);
  }

  protected refuse(errno: number, packets: number): void {
    this.#refusedCount += packets;
    this.#refused.set(errno, (this.#refused.get(errno) ?? 0) + packets);
  }

  /**
   * A group that the system did not take. Old kernels refuse super-packets that they offered to take, so its packets
   * get a try each, alone.
   */
  protected refuseGroup(port: PumpPort, merger: Merger, group: number, errno: number): void {
    const { records, order } = merger.groups;
    const pieces = records[group * GROUP_WORDS + PIECES_WORD] ?? 0;
    if (pieces < 2 || errno !== tun.EINVAL) {
      this.refuse(errno, pieces);
      return;
    }
    merger.loosen(group);
    this.#loosened += pieces;
    const first = records[group * GROUP_WORDS + FIRST_WORD] ?? 0;
    for (let piece = first; piece < first + pieces; piece++) this.#writeAlone(port, merger.tx, order[piece] ?? 0);
  }

  #writeAlone(port: PumpPort, { at, lengths }: PacketList, packet: number): void {
    const { fd, headerBytes } = port;
    const start = this.base + (at[packet] ?? 0) - headerBytes;
    for (let i = 0; i < tun.EINTR_RETRIES_MAX; i++) {
      if (this.calls.write(fd, start, (lengths[packet] ?? 0) + headerBytes) >= 0) {
        this.writtenCount++;
        return;
      }
      const errno = sys.errno();
      if (outcomeOfWrite(port, errno) === Outcome.Again) continue;
      this.refuse(errno, 1);
      return;
    }
    this.refuse(tun.EINTR, 1);
  }

  #cause(): Wake {
    if (this.#poll.found(0) !== 0) {
      tun.lowerEvent(this.#eventFd);
      return Wake.Woken;
    }
    for (let place = 1; place < this.#poll.places; place++) {
      if ((this.#poll.found(place) & (tun.POLLERR | tun.POLLHUP | tun.POLLNVAL)) !== 0) return Wake.Closed;
    }
    return Wake.Readable;
  }
}

/** Where the iovecs of a group begin whose first piece is `first`. */
export function iovecAt(merger: Merger, first: number): number {
  return merger.groups.piecesAt + first * IOVEC_BYTES;
}
