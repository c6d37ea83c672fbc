// Packets through Wintun's ring. In: 1 `peek` or `read` takes the next packet of the ring · 2 it is copied to its place
// in the memory · 3 the ring gets its room back. Out: 4 room in the ring is allocated · 5 the packet is copied there,
// or several TCP segments as one · 6 it is sent; what was allocated must be sent, for the ring keeps that order.
import type { DeviceError, PacketList } from "@bunnel/device";
import { addressOf, pointer } from "@bunnel/ffi";
import {
  ERROR_BUFFER_OVERFLOW,
  ERROR_HANDLE_EOF,
  ERROR_NO_MORE_ITEMS,
  WINTUN_MAX_IP_PACKET_SIZE,
} from "./constants.ts";
import { windowsError } from "./errors.ts";
import { goneError, roomOf, type AttachedMemory, type PacketLink } from "./packet-link.ts";
import { octetsAt, type WindowsSystem, type WintunCalls } from "./sys.ts";
import { TcpMerger } from "./tcp-merge.ts";

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;

/** What a ring stands on. */
export interface RingParts {
  readonly system: WindowsSystem;
  readonly wintun: WintunCalls;
  readonly session: number;
  readonly readEvent: number;
  /** TCP segments are merged before they are written. */
  readonly mergeTcp: boolean;
  /** Asked when there is an error to tell. */
  readonly nameOf: () => string;
}

export class RingLink implements PacketLink {
  readonly readEvent: number;
  readonly #parts: RingParts;
  readonly #session;
  readonly #move;
  readonly #size = new Uint32Array(new ArrayBuffer(4));
  readonly #sizeAt = pointer(addressOf(this.#size));
  readonly #merger: TcpMerger | undefined;
  /** A packet that was taken from the ring and not read yet; 0: none. */
  #held = 0;
  #heldBytes = 0;
  #refused = 0;
  #full = false;

  constructor(parts: RingParts) {
    this.#parts = parts;
    this.#session = pointer(parts.session);
    this.#move = parts.system.kernel32().RtlMoveMemory;
    this.readEvent = parts.readEvent;
    this.#merger = parts.mergeTcp ? new TcpMerger() : undefined;
  }

  get refused(): number {
    return this.#refused;
  }

  get full(): boolean {
    return this.#full;
  }

  peek(): boolean {
    if (this.#held !== 0) return true;
    const packet = this.#parts.wintun.WintunReceivePacket(this.#session, this.#sizeAt);
    if (packet === null) return this.#receiveFailed(this.#lastError());
    this.#held = Number(packet);
    this.#heldBytes = this.#size[0] ?? 0;
    return true;
  }

  read(memory: AttachedMemory, list: PacketList, from: number, maxBytes: number): number {
    const { at, lengths } = list;
    const room = roomOf(maxBytes);
    let i = from;
    while (i < at.length) {
      const start = at[i] ?? 0;
      memory.mustHold(start, room);
      if (!this.peek()) break;
      const bytes = Math.min(this.#heldBytes, room);
      this.#move(pointer(memory.base + start), pointer(this.#held), pointer(bytes));
      this.release();
      lengths[i] = bytes;
      i++;
    }
    return i - from;
  }

  write(memory: AttachedMemory, list: PacketList, from: number, to: number): number {
    const { at, lengths } = list;
    let i = from;
    this.#full = false;
    while (i < to) {
      const start = at[i] ?? 0;
      const bytes = lengths[i] ?? 0;
      memory.mustHold(start, bytes);
      const merged = this.#merge(memory, list, i, to);
      if (merged > 1) {
        if (!this.#sendMerged(memory, list, i, merged)) break;
        i += merged;
        continue;
      }
      if (isPacket(memory.octets, start, bytes)) {
        const ring = this.#allocate(bytes);
        if (ring === null) break;
        this.#move(ring, pointer(memory.base + start), pointer(bytes));
        this.#parts.wintun.WintunSendPacket(this.#session, ring);
      } else {
        this.#refused++;
      }
      i++;
    }
    return i - from;
  }

  readv(parts: readonly Uint8Array[]): number {
    if (!this.peek()) return -1;
    const packet = octetsAt(this.#parts.system, this.#held, this.#heldBytes);
    this.release();
    let copied = 0;
    for (const part of parts) {
      const piece = packet.subarray(copied, copied + part.length);
      part.set(piece);
      copied += piece.length;
    }
    return copied;
  }

  writev(parts: readonly Uint8Array[]): boolean {
    const packet = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      packet.set(part, at);
      at += part.length;
    }
    this.#full = false;
    if (packet.length > WINTUN_MAX_IP_PACKET_SIZE || !isPacket(packet, 0, packet.length)) {
      this.#refused++;
      return true;
    }
    const ring = this.#allocate(packet.length);
    if (ring === null) return false;
    this.#move(ring, packet, pointer(packet.length));
    this.#parts.wintun.WintunSendPacket(this.#session, ring);
    return true;
  }

  /** Gives the ring the room of the packet that is held, if one is. */
  release(): void {
    if (this.#held === 0) return;
    this.#parts.wintun.WintunReleaseReceivePacket(this.#session, pointer(this.#held));
    this.#held = 0;
  }

  #merge(memory: AttachedMemory, { at, lengths }: PacketList, from: number, to: number): number {
    if (!this.#merger) return 1;
    for (let i = from + 1; i < to; i++) memory.mustHold(at[i] ?? 0, lengths[i] ?? 0);
    return this.#merger.run(memory.octets, at, lengths, from, to);
  }

  #sendMerged(memory: AttachedMemory, { at, lengths }: PacketList, from: number, count: number): boolean {
    const merger = this.#merger;
    const ring = merger ? this.#allocate(merger.bytes) : null;
    if (!merger || ring === null) return false;
    const { header, headerBytes } = merger;
    this.#move(ring, header, pointer(headerBytes));
    let to = Number(ring) + headerBytes;
    for (let i = from; i < from + count; i++) {
      const payloadBytes = (lengths[i] ?? 0) - headerBytes;
      this.#move(pointer(to), pointer(memory.base + (at[i] ?? 0) + headerBytes), pointer(payloadBytes));
      to += payloadBytes;
    }
    this.#parts.wintun.WintunSendPacket(this.#session, ring);
    return true;
  }

  /** Room in the ring; null: there is none. */
  #allocate(bytes: number): ReturnType<WintunCalls["WintunAllocateSendPacket"]> {
    const ring = this.#parts.wintun.WintunAllocateSendPacket(this.#session, bytes);
    if (ring === null) this.#allocateFailed(this.#lastError());
    return ring;
  }

  #lastError(): number {
    return this.#parts.system.kernel32().GetLastError();
  }

  #receiveFailed(error: number): false {
    if (error === ERROR_NO_MORE_ITEMS) return false;
    throw this.#failure("reading from", error);
  }

  #allocateFailed(error: number): void {
    if (error !== ERROR_BUFFER_OVERFLOW) throw this.#failure("writing to", error);
    this.#full = true;
  }

  #failure(doing: string, error: number): DeviceError {
    const name = this.#parts.nameOf();
    return error === ERROR_HANDLE_EOF ? goneError(name, error) : windowsError(`${doing} ${name}`, error);
  }
}

/** What Wintun's driver takes for a packet; the rest it would drop without telling. */
function isPacket(octets: Uint8Array, at: number, bytes: number): boolean {
  const version = (octets[at] ?? 0) >> 4;
  return (version === 4 && bytes >= IPV4_HEADER_BYTES) || (version === 6 && bytes >= IPV6_HEADER_BYTES);
}
