// The TCP of the Linux kernel as a receiver: a TUN interface in a network namespace of its own, and a listening socket
// behind it. Packets that the test writes to the device are packets off the wire to the kernel.
import { decodePacket, TCP_SYN } from "@bunnel/wire";
import { type LinuxTun, NetworkNamespace, openLinuxTun } from "@bunnel/tun-linux";
import type { Socket, TCPSocketListener } from "bun";
import { type Addresses, HOPS } from "../engine/connection.ts";

export const ADDRESSES: Addresses = {
  4: ["203.0.113.7", "203.0.113.9"],
  6: ["2001:db8:1::7", "2001:db8:1::9"],
};
const PACKET_MAX_BYTES = 65536;
/** Turns of the event loop that are waited for octets or packets that should come. */
const TURNS_MAX = 400;
const TURN_MS = 5;

/** What one connection's application has read, by the port of the client. */
interface Stream {
  readonly octets: Uint8Array[];
  closed: boolean;
}

export class LinuxReceiver implements Disposable {
  readonly #namespace = NetworkNamespace.create();
  readonly #device: LinuxTun;
  readonly #listeners: readonly TCPSocketListener[];
  readonly #streams = new Map<number, Stream>();
  readonly #buffer = new Uint8Array(PACKET_MAX_BYTES);
  readonly port: number;

  constructor(port: number) {
    this.port = port;
    this.#device = this.#namespace.run(() =>
      openLinuxTun({ addresses: [`${ADDRESSES[4][1]}/24`, `${ADDRESSES[6][1]}/64`], ipv6LinkLocal: "none" }),
    );
    this.#listeners = this.#namespace.run(() => [this.#listen(ADDRESSES[4][1]), this.#listen(ADDRESSES[6][1])]);
  }

  /** Takes the packets over the path: those whose hop limit ends on it never reach the device. */
  deliver(packets: readonly Uint8Array[]): void {
    for (const packet of packets) {
      if (hopLimitOf(packet) > HOPS) this.#device.writev([packet]);
    }
  }

  /** The next SYN,ACK to this port. @throws Error when none comes */
  async synAck(clientPort: number): Promise<Uint8Array> {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      for (let bytes = this.#read(); bytes > 0; bytes = this.#read()) {
        const packet = this.#buffer.slice(0, bytes);
        const { tcpFlags, destinationPort } = decodePacket(packet);
        if ((tcpFlags & TCP_SYN) !== 0 && destinationPort === clientPort) return packet;
      }
      await Bun.sleep(TURN_MS);
    }
    throw new Error("handshake with the kernel: expected a SYN,ACK, found none");
  }

  /** What the socket has read when it has read `bytes` octets, or when nothing more came for long. */
  async read(clientPort: number, bytes: number): Promise<Uint8Array> {
    for (let turn = 0; turn < TURNS_MAX && this.#octets(clientPort).length < bytes; turn++) {
      await Bun.sleep(TURN_MS);
    }
    // What should not be there had its time to come.
    await Bun.sleep(TURN_MS);
    return this.#octets(clientPort);
  }

  /** What the socket has read by now. */
  async readNow(clientPort: number): Promise<Uint8Array> {
    await Bun.sleep(2 * TURN_MS);
    return this.#octets(clientPort);
  }

  /** The connection is open: nothing has reset it. */
  isOpen(clientPort: number): boolean {
    return this.#streams.get(clientPort)?.closed === false;
  }

  [Symbol.dispose](): void {
    for (const listener of this.#listeners) listener.stop(true);
    this.#device.close();
    this.#namespace.close();
  }

  #listen(hostname: string): TCPSocketListener {
    const streamOf = (socket: Socket<unknown>): Stream => {
      const known = this.#streams.get(socket.remotePort) ?? { octets: [], closed: false };
      this.#streams.set(socket.remotePort, known);
      return known;
    };
    return Bun.listen({
      hostname,
      port: this.port,
      socket: {
        open: (socket) => void streamOf(socket),
        data: (socket, octets) => void streamOf(socket).octets.push(Uint8Array.from(octets)),
        close: (socket) => void (streamOf(socket).closed = true),
        error: (socket) => void (streamOf(socket).closed = true),
      },
    });
  }

  #octets(clientPort: number): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.#streams.get(clientPort)?.octets ?? []));
  }

  #read(): number {
    return this.#device.readv([this.#buffer]);
  }
}

/** Of any packet, also one whose transport header is damaged. */
export function hopLimitOf(packet: Uint8Array): number {
  return ((packet[0] ?? 0) >> 4 === 6 ? packet[7] : packet[8]) ?? 0;
}
