// What a device asks of the way its packets take: Wintun's ring, or the overlapped calls of a TAP adapter.
import { DeviceError, type PacketList } from "@bunnel/device";
import { PACKET_MAX_BYTES } from "@bunnel/abi";
import { addressOf } from "@bunnel/ffi";

export interface PacketLink {
  /** Packets that were refused for what they are. */
  readonly refused: number;
  /** The last write found the queue full. */
  readonly full: boolean;
  /** The event that is signalled when a packet comes: it may be so without cause, and ask `peek` before waiting. */
  readonly readEvent: number;
  /** Whether a packet waits. @throws DeviceError E_DEVICE_GONE */
  peek(): boolean;
  read(memory: AttachedMemory, list: PacketList, from: number, maxBytes: number): number;
  write(memory: AttachedMemory, list: PacketList, from: number, to: number): number;
  readv(parts: readonly Uint8Array[]): number;
  writev(parts: readonly Uint8Array[]): boolean;
  /** Gives back what was taken and not read. */
  release(): void;
}

/** The memory in which a device's packets lie. */
export class AttachedMemory {
  readonly octets: Uint8Array;
  /** Its address: the memory must neither move nor grow elsewhere. */
  readonly base: number;

  constructor(memory: ArrayBufferLike) {
    this.octets = new Uint8Array(memory);
    this.base = addressOf(memory);
  }

  /** @throws RangeError: Windows would read and write whatever lies there */
  mustHold(start: number, bytes: number): void {
    if (start + bytes <= this.octets.length) return;
    const end = this.octets.length;
    throw new RangeError(`packet at ${start} of ${bytes} octets: expected 0 to ${end}, found outside`);
  }
}

/** Octets that a packet may take of its slot. */
export function roomOf(maxBytes: number): number {
  return Math.min(maxBytes, PACKET_MAX_BYTES);
}

export function goneError(name: string, error = 0): DeviceError {
  return new DeviceError("E_DEVICE_GONE", `device ${name}: expected an adapter, found it deleted`, error);
}
