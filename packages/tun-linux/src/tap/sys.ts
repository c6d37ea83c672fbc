// System calls of packet sockets (packet(7)). Numbers cross this file; errors are made above it.
import { read } from "bun:ffi";
import { addressOf, errno, libcNames, library, pointer } from "@bunnel/ffi";

// bits/socket.h, linux/if_packet.h, linux/if_ether.h
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const SOCK_NONBLOCK = 0x800;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const PACKET_IGNORE_OUTGOING = 23;
const SOCKADDR_LL_BYTES = 20;
/** The third octet of the word is sll_pkttype. */
const SLL_HATYPE_AT = 8;
const ETH_P_ALL = 0x0003;
/** For experiments; the filter takes none of it. A socket cannot be unbound, but it can wait for what nobody sends. */
const ETH_P_802_EX1 = 0x88b5;

// asm-generic/socket.h
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;

const FILTER_BYTES = 8;

const libc = library(libcNames("linux").paths, {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  recvfrom: { args: ["i32", "ptr", "u64", "i32", "ptr", "ptr"], returns: "i32" },
});

/** A packet socket that cuts off link headers and hears nothing until it is bound; or -1 and errno. */
export function openPacketSocket(): number {
  const { socket } = libc();
  // Asked for once before, so that nothing is opened between the call and its errno.
  errno();
  return socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/** Hears what arrives at any interface (true), or nothing of it (false). 0, or the errno. */
export function bindPackets(fd: number, hear: boolean): number {
  const address = new Uint8Array(SOCKADDR_LL_BYTES);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, hear ? ETH_P_ALL : ETH_P_802_EX1);
  return libc().bind(fd, pointer(addressOf(address)), address.length) < 0 ? errno() : 0;
}

/** Reads packets one by one and knows of the last one whom it was for. */
export class PacketReceiver {
  /** | struct sockaddr_ll | padding | its length i32 |, which the kernel answers as it found it. */
  readonly #memory = new Uint8Array(new ArrayBuffer(SOCKADDR_LL_BYTES + 12));
  readonly #address: number;

  constructor() {
    new DataView(this.#memory.buffer).setInt32(LENGTH_AT, SOCKADDR_LL_BYTES, true);
    this.#address = addressOf(this.#memory);
  }

  /** One packet goes to an address; its octets, or -1 and errno. */
  read(fd: number, at: number, bytes: number): number {
    const { recvfrom } = libc();
    return recvfrom(fd, pointer(at), bytes, 0, pointer(this.#address), pointer(this.#address + LENGTH_AT));
  }

  /** The kind of the packet that was read last: PACKET_OUTGOING and the like. Read where the kernel wrote it. */
  get kind(): number {
    return (read.u32(this.#address, SLL_HATYPE_AT) >>> 16) & 0xff;
  }
}

const LENGTH_AT = 24;

/** Attaches a program of the packet filter; the kernel copies it. 0, or the errno. */
export function attachFilter(fd: number, program: Uint8Array): number {
  // struct sock_fprog: | instructions u16 | padding | address of the first |
  const description = new DataView(new ArrayBuffer(16));
  description.setUint16(0, program.length / FILTER_BYTES, true);
  description.setBigUint64(8, BigInt(addressOf(program)), true);
  return setOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, description);
}

/** Does not hear what this machine sends (Linux 4.20). 0, or the errno. */
export function ignoreOutgoing(fd: number): number {
  return setOption(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, new Int32Array([1]));
}

/** Asks for a receive buffer past the system's limit, and without the privilege for that, up to it. 0, or the errno. */
export function setReceiveBuffer(fd: number, bytes: number): number {
  const value = new Int32Array([bytes]);
  const forced = setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, value);
  return forced === 0 ? 0 : setOption(fd, SOL_SOCKET, SO_RCVBUF, value);
}

/** Packets that found no room since the last time this was asked; -1: read `errno`. */
export function takeDropped(fd: number): number {
  // struct tpacket_stats: | packets, the dropped among them u32 | dropped u32 |
  const statistics = new Uint32Array(2);
  const bytes = new Int32Array([statistics.byteLength]);
  const result = libc().getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, statistics, bytes);
  return result < 0 ? -1 : statistics[1]!;
}

function setOption(fd: number, level: number, name: number, value: Int32Array | DataView): number {
  return libc().setsockopt(fd, level, name, pointer(addressOf(value)), value.byteLength) < 0 ? errno() : 0;
}
