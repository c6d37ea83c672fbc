// The arrays that sendmmsg(2) reads, laid out once in memory that it shares with the packets.
//
//   | mmsghdr × n | iovec × n | sockaddr × n |          64-bit Linux, bits/socket.h and netinet/in.h
//
//   mmsghdr  64: name u64 @0, namelen u32 @8, iov u64 @16, iovlen u64 @24, control, flags, len u32 @56
//   iovec    16: base u64 @0, len u64 @8
//   sockaddr 16 (IPv4: family u16 @0, address @4) or 32 (IPv6: family u16 @0, address @8, 28 used)

const MMSGHDR_BYTES = 64;
const MSG_NAME = 0;
const MSG_NAMELEN = 8;
const MSG_IOV = 16;
const MSG_IOVLEN = 24;

const IOVEC_BYTES = 16;
const IOV_BASE = 0;
const IOV_LEN = 8;

/** Where one address family keeps its numbers: in the socket address and in the IP header. */
export interface AddressFamily {
  /** AF_INET or AF_INET6. */
  readonly number: number;
  /** Octets of the shortest header. */
  readonly headerBytes: number;
  /** Where the destination stands in the IP header. */
  readonly destinationAt: number;
  readonly addressBytes: number;
  /** Octets of the socket address that the system reads. */
  readonly socketAddressBytes: number;
  /** Octets from one socket address to the next. */
  readonly socketAddressStride: number;
  /** Where the address stands in the socket address. */
  readonly socketAddressAt: number;
}

/** RFC 791 section 3.1; struct sockaddr_in. */
export const IPV4: AddressFamily = {
  number: 2,
  headerBytes: 20,
  destinationAt: 16,
  addressBytes: 4,
  socketAddressBytes: 16,
  socketAddressStride: 16,
  socketAddressAt: 4,
};

/** RFC 8200 section 3; struct sockaddr_in6. */
export const IPV6: AddressFamily = {
  number: 10,
  headerBytes: 40,
  destinationAt: 24,
  addressBytes: 16,
  socketAddressBytes: 28,
  socketAddressStride: 32,
  socketAddressAt: 8,
};

/** Octets that a table of `capacity` messages takes. */
export function tableBytes(family: AddressFamily, capacity: number): number {
  return capacity * (MMSGHDR_BYTES + IOVEC_BYTES + family.socketAddressStride);
}

/** Messages of one family. Putting a packet in changes its iovec and its address, nothing else. */
export class MessageTable {
  readonly #view: DataView;
  readonly #base: number;
  readonly #headers: number;
  readonly #vectors: number;
  readonly #addresses: number;

  /** `base` is the machine address of the memory under `view`; `at` is a multiple of 8 within it. */
  constructor(
    view: DataView,
    base: number,
    at: number,
    readonly family: AddressFamily,
    readonly capacity: number,
  ) {
    this.#view = view;
    this.#base = base;
    this.#headers = at;
    this.#vectors = at + capacity * MMSGHDR_BYTES;
    this.#addresses = this.#vectors + capacity * IOVEC_BYTES;
    new Uint8Array(view.buffer, view.byteOffset + at, tableBytes(family, capacity)).fill(0);
    for (let index = 0; index < capacity; index++) this.#layOut(index);
  }

  #layOut(index: number): void {
    const header = this.#headers + index * MMSGHDR_BYTES;
    const address = this.#addresses + index * this.family.socketAddressStride;
    this.#setPointer(header + MSG_NAME, address);
    this.#view.setUint32(header + MSG_NAMELEN, this.family.socketAddressBytes, true);
    this.#setPointer(header + MSG_IOV, this.#vectors + index * IOVEC_BYTES);
    this.#view.setUint32(header + MSG_IOVLEN, 1, true);
    this.#view.setUint16(address, this.family.number, true);
  }

  /** Makes message `index` the packet at `packetAt`; it goes to the destination that its IP header names. */
  put(index: number, packetAt: number, packetBytes: number): void {
    const view = this.#view;
    const family = this.family;
    const vector = this.#vectors + index * IOVEC_BYTES;
    this.#setPointer(vector + IOV_BASE, packetAt);
    view.setUint32(vector + IOV_LEN, packetBytes, true);
    const from = packetAt + family.destinationAt;
    const to = this.#addresses + index * family.socketAddressStride + family.socketAddressAt;
    for (let at = 0; at < family.addressBytes; at += 4) view.setUint32(to + at, view.getUint32(from + at));
  }

  /** The machine address of message `index`. */
  pointer(index: number): number {
    return this.#base + this.#headers + index * MMSGHDR_BYTES;
  }

  /** Two halves instead of a BigInt: user-space addresses are below 2^53 and so are exact numbers. */
  #setPointer(where: number, offset: number): void {
    const address = this.#base + offset;
    this.#view.setUint32(where, address % 0x1_0000_0000, true);
    this.#view.setUint32(where + 4, Math.floor(address / 0x1_0000_0000), true);
  }
}
