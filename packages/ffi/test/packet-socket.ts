// The other side of an interface, octet for octet (packet(7)).
import { errno, errnoName, library, libcNames } from "../src/index.ts";

const libc = library(libcNames("linux").paths, {
  close: { args: ["i32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "i32", "i32", "ptr", "i32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  if_nametoindex: { args: ["cstring"], returns: "u32" },
});

const encoder = new TextEncoder();
const AF_PACKET = 17;
const SOCK_RAW = 3;
const ETH_P_ALL = 0x0003;
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const SOCKADDR_LL_BYTES = 20;

function checked(what: string, result: number): number {
  if (result < 0) throw new Error(`${what} failed with ${errnoName(errno())}`);
  return result;
}

function sockaddr(protocol: number, index: number): Uint8Array {
  const octets = new Uint8Array(SOCKADDR_LL_BYTES);
  const view = new DataView(octets.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol);
  view.setInt32(4, index, true);
  return octets;
}

/** Sends out of an interface, and sees what the interface received; not what it sent. */
export class PacketSocket implements Disposable {
  readonly #fd: number;
  readonly #index: number;

  /** @param place the interface's name or index, where the calling thread is */
  constructor(place: string | number, timeoutMs = 1000) {
    this.#index = typeof place === "number" ? place : libc().if_nametoindex(encoder.encode(`${place}\0`));
    this.#fd = checked("socket", libc().socket(AF_PACKET, SOCK_RAW, 0));
    const time = new BigInt64Array([BigInt(Math.trunc(timeoutMs / 1000)), BigInt(timeoutMs % 1000) * 1000n]);
    checked("SO_RCVTIMEO", libc().setsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, time, 16));
    const one = new Int32Array([1]);
    checked("PACKET_IGNORE_OUTGOING", libc().setsockopt(this.#fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, one, 4));
    checked("bind", libc().bind(this.#fd, sockaddr(ETH_P_ALL, this.#index), SOCKADDR_LL_BYTES));
  }

  send(packet: Uint8Array): void {
    const protocol = (packet[0] ?? 0) >> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP;
    const address = sockaddr(protocol, this.#index);
    checked("sendto", libc().sendto(this.#fd, packet, packet.length, 0, address, SOCKADDR_LL_BYTES));
  }

  /** The next packet, undefined when none comes in time. */
  receive(): Uint8Array | undefined {
    const octets = new Uint8Array(65536);
    const length = libc().recv(this.#fd, octets, octets.length, 0);
    return length < 0 ? undefined : octets.slice(0, length);
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }
}
