// One line per packet, and counts: what passes through a device, for people.
import type { AsyncTunDevice, PacketList } from "../device.ts";
import { describePacket } from "./describe-packet.ts";
import { DeviceWrapper } from "./wrapper.ts";

/** Where the lines go, and what they say. */
export interface TracerOptions {
  /** Takes each line, without line break. */
  readonly print: (line: string) => void;
  /** What a line says about a packet (of IP, or a frame, as the device's medium is). Default: from where to where. */
  readonly describe?: (packet: Uint8Array) => string;
}

/** Packets and octets that passed, without what stands before each packet. */
export interface TraceCounts {
  readonly readPackets: number;
  readonly readBytes: number;
  readonly writtenPackets: number;
  readonly writtenBytes: number;
}

/**
 * Prints `tun0 read 84 octets: ICMP 192.0.2.1 > 192.0.2.9`. "read" is what the device gave us, "write" what it took. A
 * packet that was not taken is not printed; one that the system refused is, and is counted in `refused`, too.
 */
export class Tracer extends DeviceWrapper {
  readonly #print: (line: string) => void;
  readonly #describe: (packet: Uint8Array) => string;
  readonly #counts = { readPackets: 0, readBytes: 0, writtenPackets: 0, writtenBytes: 0 };

  constructor(inner: AsyncTunDevice, options: TracerOptions) {
    super(inner, "a tracer");
    const { medium } = inner.capabilities;
    this.#print = options.print;
    this.#describe = options.describe ?? ((packet) => describePacket(packet, medium));
  }

  /** So far. */
  get counts(): TraceCounts {
    return { ...this.#counts };
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    const count = this.inner.read(list, from, maxBytes);
    for (let i = from; i < from + count; i++) {
      this.#counts.readPackets++;
      this.#counts.readBytes += this.#trace("read", this.packetAt(list, i));
    }
    return count;
  }

  write(list: PacketList, from: number, to: number): number {
    const count = this.inner.write(list, from, to);
    for (let i = from; i < from + count; i++) {
      this.#counts.writtenPackets++;
      this.#counts.writtenBytes += this.#trace("write", this.packetAt(list, i));
    }
    return count;
  }

  #trace(doing: "read" | "write", packet: Uint8Array): number {
    this.#print(`${this.name} ${doing} ${packet.length} octets: ${this.#describe(packet)}`);
    return packet.length;
  }
}
