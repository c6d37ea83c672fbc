// UDP sockets of the Linux kernel as receivers: a TUN interface in a network namespace of its own, and sockets behind
// it. Packets that the test writes to the device are packets off the wire to the kernel, which joins fragments, looks
// at checksums and lengths, and gives each socket what is left.
import { type LinuxTun, NetworkNamespace, openLinuxTun } from "@bunnel/tun-linux";
import type { udp } from "bun";
import { HOPS } from "../engine/connection.ts";
import { ADDRESSES, hopLimitOf } from "./linux-receiver.ts";

/** Turns of the event loop that are waited for datagrams that should come. */
const TURNS_MAX = 400;
const TURN_MS = 5;

export class LinuxDatagrams implements Disposable {
  readonly #namespace = NetworkNamespace.create();
  readonly #device: LinuxTun;
  readonly #sockets: udp.Socket<"buffer">[] = [];
  readonly #received = new Map<number, Uint8Array[]>();

  private constructor() {
    this.#device = this.#namespace.run(() =>
      openLinuxTun({ addresses: [`${ADDRESSES[4][1]}/24`, `${ADDRESSES[6][1]}/64`], ipv6LinkLocal: "none" }),
    );
  }

  /** Sockets on these ports, for both families. */
  static async open(ports: readonly number[]): Promise<LinuxDatagrams> {
    const receiver = new LinuxDatagrams();
    for (const port of ports) {
      await receiver.#listen(ADDRESSES[4][1], port);
      await receiver.#listen(ADDRESSES[6][1], port);
    }
    return receiver;
  }

  /** Takes the packets over the path: those whose hop limit ends on it never reach the device. */
  deliver(packets: readonly Uint8Array[]): void {
    for (const packet of packets) {
      if (hopLimitOf(packet) > HOPS) this.#device.writev([packet]);
    }
  }

  /** What the sockets have got from this port, when there are `count` datagrams, or nothing more came for long. */
  async read(clientPort: number, count: number): Promise<readonly Uint8Array[]> {
    for (let turn = 0; turn < TURNS_MAX && (this.#received.get(clientPort) ?? []).length < count; turn++) {
      await Bun.sleep(TURN_MS);
    }
    // What should not be there had its time to come.
    await Bun.sleep(2 * TURN_MS);
    return this.#received.get(clientPort) ?? [];
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close();
    this.#device.close();
    this.#namespace.close();
  }

  async #listen(hostname: string, port: number): Promise<void> {
    const data = (_socket: unknown, octets: Buffer, from: number): void => {
      this.#received.set(from, [...(this.#received.get(from) ?? []), Uint8Array.from(octets)]);
    };
    // The socket is made before the promise is there: in the namespace.
    const [opening] = this.#namespace.run(() => [Bun.udpSocket({ hostname, port, socket: { data } })] as const);
    this.#sockets.push(await opening);
  }
}
