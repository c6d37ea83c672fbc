// The virtio network header before a packet of a device with offload (linux/virtio_net.h, struct virtio_net_hdr).
import { VNET_HEADER_BYTES } from "@bunnel/abi/src/index";

const FLAGS: usize = 0;
const GSO_TYPE: usize = 1;
const HEADER_BYTES: usize = 2;
const GSO_SIZE: usize = 4;
const CSUM_START: usize = 6;
const CSUM_OFFSET: usize = 8;
const NEEDS_CSUM: u32 = 1;
const GSO_ECN: u32 = 0x80;
export const GSO_NONE: u32 = 0;
export const GSO_TCPV4: u32 = 1;
export const GSO_TCPV6: u32 = 4;
export const GSO_UDP_L4: u32 = 5;

/** The header of the packet that starts at `packet`; it lies in the ten octets before it. Numbers are little-endian. */
@unmanaged
export class Vnet {
  static of(packet: usize): Vnet {
    return changetype<Vnet>(packet - VNET_HEADER_BYTES);
  }
  get ptr(): usize {
    return changetype<usize>(this);
  }
  get needsChecksum(): bool {
    return (load<u8>(this.ptr + FLAGS) & NEEDS_CSUM) != 0;
  }
  get gsoType(): u32 {
    return load<u8>(this.ptr + GSO_TYPE) & ~GSO_ECN;
  }
  get gsoBytes(): i32 {
    return load<u16>(this.ptr + GSO_SIZE);
  }
  get checksumStart(): i32 {
    return load<u16>(this.ptr + CSUM_START);
  }
  get checksumOffset(): i32 {
    return load<u16>(this.ptr + CSUM_OFFSET);
  }

  /** Whether the packet stands for many. */
  get isSuper(): bool {
    return load<u8>(this.ptr + GSO_TYPE) != GSO_NONE;
  }

  /** A super-packet of segments of so many octets, whose transport checksum is partial. */
  setSuper(gsoType: u32, headerBytes: i32, gsoBytes: i32, checksumStart: i32, checksumOffset: i32): void {
    store<u8>(this.ptr + FLAGS, <u8>NEEDS_CSUM);
    store<u8>(this.ptr + GSO_TYPE, <u8>gsoType);
    store<u16>(this.ptr + HEADER_BYTES, <u16>headerBytes);
    store<u16>(this.ptr + GSO_SIZE, <u16>gsoBytes);
    store<u16>(this.ptr + CSUM_START, <u16>checksumStart);
    store<u16>(this.ptr + CSUM_OFFSET, <u16>checksumOffset);
  }

  /** An ordinary packet with complete checksums. */
  clear(): void {
    store<u64>(this.ptr, 0);
    store<u16>(this.ptr + 8, 0);
  }
}
