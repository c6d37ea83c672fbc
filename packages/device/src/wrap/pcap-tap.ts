// Everything that passes through a device, live into a capture file.
import type { AsyncTunDevice, PacketList } from "../device.ts";
import { DeviceWrapper } from "./wrapper.ts";

/** Link types of capture files: packets that start with the IP header, and Ethernet frames (pcap-linktype(7)). */
export const LINKTYPE_RAW = 101;
/** The packets are Ethernet frames. */
export const LINKTYPE_ETHERNET = 1;

/** Takes packets one by one; `PcapngWriter` and `PcapWriter` of @bunnel/wire are such. */
export interface CaptureWriter {
  /** @throws whatever the writer throws; it reaches the caller of `read` or `write` */
  write(packet: {
    readonly octets: Uint8Array;
    readonly timestampNs: bigint;
    readonly originalBytes: number;
    readonly interfaceId: number;
  }): void;
}

/** What is captured, and as what. */
export interface PcapTapOptions {
  /** Octets of a packet that are kept. Default: all. */
  readonly snapBytes?: number;
  /** The writer's interface for packets that were read, and for those that were written. Default 0 and 0. */
  readonly readInterface?: number;
  readonly writtenInterface?: number;
  /** Nanoseconds since 1970-01-01 UTC. Default: the system's clock. */
  readonly now?: () => bigint;
}

/**
 * Captures what the device gave and what it took, octet for octet. What stands before a packet is left out; with
 * offload, super-packets are captured whole and with the partial checksums that they have. An error of the writer goes
 * to the caller of `read` or `write`, the packets are through by then.
 */
export class PcapTap extends DeviceWrapper {
  readonly #writer: CaptureWriter;
  readonly #snapBytes: number;
  readonly #readInterface: number;
  readonly #writtenInterface: number;
  readonly #now: () => bigint;

  constructor(inner: AsyncTunDevice, writer: CaptureWriter, options: PcapTapOptions = {}) {
    super(inner, "a capture");
    this.#writer = writer;
    this.#snapBytes = options.snapBytes ?? Number.POSITIVE_INFINITY;
    this.#readInterface = options.readInterface ?? 0;
    this.#writtenInterface = options.writtenInterface ?? 0;
    this.#now = options.now ?? systemTime;
  }

  /** The link type that fits a device: what the file's interface must say. */
  static linkTypeOf(device: AsyncTunDevice): number {
    return device.capabilities.medium === "ip" ? LINKTYPE_RAW : LINKTYPE_ETHERNET;
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    const count = this.inner.read(list, from, maxBytes);
    this.#capture(list, from, count, this.#readInterface);
    return count;
  }

  write(list: PacketList, from: number, to: number): number {
    const count = this.inner.write(list, from, to);
    this.#capture(list, from, count, this.#writtenInterface);
    return count;
  }

  #capture(list: PacketList, from: number, count: number, interfaceId: number): void {
    if (count === 0) return;
    const timestampNs = this.#now();
    for (let i = from; i < from + count; i++) {
      const packet = this.packetAt(list, i);
      // A copy: the memory is about to hold other packets, and a writer may keep what it was given.
      const octets = packet.slice(0, Math.min(packet.length, this.#snapBytes));
      this.#writer.write({ octets, timestampNs, originalBytes: packet.length, interfaceId });
    }
  }
}

function systemTime(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}
