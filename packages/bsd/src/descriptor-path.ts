// Packets through one descriptor, one system call each: as they are, or behind the address family.
//
//   | family be32 | packet …      net/if_utun.h, net/if_tun.h TUNSIFHEAD
//
// The family is read into, and written from, four octets of ours, so that nothing before the packet is touched.
import { PACKET_MAX_BYTES } from "@bunnel/abi";
import type { PacketList } from "@bunnel/device";
import { addressOf } from "@bunnel/ffi";
import {
  mustBeFew,
  Outcome,
  Pieces,
  PIECES_MAX,
  readOutcome,
  writeOutcome,
  type PacketMemory,
  type PacketPath,
  type PathOptions,
} from "./packet-path.ts";
import { AF_INET } from "./system.ts";
import type { Calls } from "./sys.ts";

/** Octets of the address family before each packet. */
export const FAMILY_BYTES = 4;
const ETHERNET_HEADER_BYTES = 14;

/** What stands before a packet in the descriptor; "ethernet" is a frame as it is. */
export type Framing = "none" | "family" | "ethernet";

export interface DescriptorPathOptions extends PathOptions {
  readonly fd: number;
  readonly framing: Framing;
}

export class DescriptorPath implements PacketPath {
  readonly pending = false;
  protected readonly calls: Calls;
  protected readonly fd: number;
  protected readonly nameOf: () => string;
  /** 0: packets are read and written as they are. */
  protected readonly header: number;
  readonly #framing: Framing;
  readonly #family = new Uint8Array(new ArrayBuffer(FAMILY_BYTES));
  readonly #familyAddress = addressOf(this.#family);
  readonly #inet6: number;
  /** The family, then the packet's; without a family they begin at the second. */
  readonly #pieces = new Pieces(1 + PIECES_MAX);
  readonly #firstPiece: number;
  #refused = 0;
  #full = false;

  constructor({ calls, fd, framing, nameOf }: DescriptorPathOptions) {
    this.calls = calls;
    this.fd = fd;
    this.nameOf = nameOf;
    this.#framing = framing;
    this.header = framing === "family" ? FAMILY_BYTES : 0;
    this.#firstPiece = this.header > 0 ? 0 : 1;
    this.#inet6 = calls.environment.system.AF_INET6;
    this.#pieces.set(0, this.#familyAddress, FAMILY_BYTES);
  }

  get refused(): number {
    return this.#refused;
  }

  get full(): boolean {
    return this.#full;
  }

  read(memory: PacketMemory, list: PacketList, from: number, maxBytes: number): number {
    const { at, lengths } = list;
    const room = Math.min(maxBytes, PACKET_MAX_BYTES);
    let interrupted = 0;
    let i = from;
    while (i < at.length) {
      const start = at[i] ?? 0;
      memory.mustHold(start, room);
      const bytes = this.#readAt(memory.base + start, room);
      if (bytes > 0) {
        lengths[i] = bytes;
        i++;
      } else if (bytes === 0 || readOutcome(this.calls.errno(), interrupted++, this.nameOf()) === Outcome.Stop) {
        break;
      }
    }
    return i - from;
  }

  write(memory: PacketMemory, list: PacketList, from: number, to: number): number {
    const { at, lengths } = list;
    let interrupted = 0;
    let i = from;
    this.#full = false;
    while (i < to) {
      const start = at[i] ?? 0;
      const bytes = lengths[i] ?? 0;
      memory.mustHold(start, bytes);
      if (!this.isPacket(bytes, memory.octets[start] ?? 0)) {
        this.#refused++;
      } else if (this.#writeAt(memory.base + start, bytes, memory.octets[start] ?? 0) < 0) {
        const outcome = this.#writeFailed(interrupted++);
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
      const count = this.#pieces.put(1, parts) - this.#firstPiece;
      const bytes = this.calls.readvAt(this.fd, this.#pieces.addressOf(this.#firstPiece), count);
      if (bytes > 0) return Math.max(0, bytes - this.header);
      if (bytes === 0 || readOutcome(this.calls.errno(), interrupted, this.nameOf()) === Outcome.Stop) return -1;
    }
  }

  writev(parts: readonly Uint8Array[]): boolean {
    mustBeFew(parts);
    this.#full = false;
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    const first = parts.find(({ length }) => length > 0)?.[0] ?? 0;
    if (!this.isPacket(bytes, first)) {
      this.#refused++;
      return true;
    }
    for (let interrupted = 0; ; interrupted++) {
      this.#setFamily(first);
      const count = this.#pieces.put(1, parts) - this.#firstPiece;
      if (this.calls.writevAt(this.fd, this.#pieces.addressOf(this.#firstPiece), count) >= 0) return true;
      const outcome = this.#writeFailed(interrupted);
      if (outcome === Outcome.Stop) return false;
      if (outcome === Outcome.Again) continue;
      this.#refused++;
      return true;
    }
  }

  /** What has neither IP version has no family either; some systems would take it, and lose it. */
  protected isPacket(bytes: number, first: number): boolean {
    if (this.#framing === "ethernet") return bytes >= ETHERNET_HEADER_BYTES;
    return bytes > 0 && (first >> 4 === 4 || first >> 4 === 6);
  }

  /** Octets of the packet; 0: none is there any more; -1 and errno. */
  #readAt(address: number, room: number): number {
    if (this.header === 0) return this.calls.readAt(this.fd, address, room);
    this.#pieces.set(1, address, room);
    const bytes = this.calls.readvAt(this.fd, this.#pieces.addressOf(0), 2);
    return bytes > 0 ? Math.max(0, bytes - this.header) : bytes;
  }

  #writeAt(address: number, bytes: number, first: number): number {
    if (this.header === 0) return this.calls.writeAt(this.fd, address, bytes);
    this.#setFamily(first);
    this.#pieces.set(1, address, bytes);
    return this.calls.writevAt(this.fd, this.#pieces.addressOf(0), 2);
  }

  #setFamily(first: number): void {
    this.#family[FAMILY_BYTES - 1] = first >> 4 === 6 ? this.#inet6 : AF_INET;
  }

  #writeFailed(interrupted: number): Outcome {
    const outcome = writeOutcome(this.calls.errno(), interrupted, this.nameOf());
    this.#full = outcome === Outcome.Stop;
    return outcome;
  }
}
