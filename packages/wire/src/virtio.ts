// The header before each packet of a device with offload: linux/virtio_net.h, struct virtio_net_hdr, little-endian.
//
//   | flags 1 | gso type 1 | header bytes 2 | gso bytes 2 | checksum start 2 | checksum offset 2 |
import { VNET_HEADER_BYTES } from "@bunnel/abi";
import { checkedField, WireError } from "./errors.ts";

/** The checksum field holds the pseudo-header's sum only; the rest is to be added. */
export const VIRTIO_NEEDS_CHECKSUM = 1;
/** The checksum was looked at and holds. */
export const VIRTIO_DATA_VALID = 2;
/** It is one packet and no super-packet. */
export const GSO_NONE = 0;
/** TCP over IPv4. */
export const GSO_TCPV4 = 1;
/** TCP over IPv6. */
export const GSO_TCPV6 = 4;
/** UDP over either family, cut into datagrams. */
export const GSO_UDP_L4 = 5;
/** A bit beside the type: the super-packet has CWR set. */
export const GSO_ECN = 0x80;

/** The header in words (linux/virtio_net.h struct virtio_net_hdr). */
export interface VirtioNetHeader {
  readonly flags: number;
  readonly gsoType: number;
  /** Octets of all headers of the packet; a hint only. */
  readonly headerBytes: number;
  /** Octets of payload of each segment. */
  readonly gsoBytes: number;
  /** Where the checksum begins, from the packet's start. */
  readonly checksumStart: number;
  /** Where it is stored, from `checksumStart`. */
  readonly checksumOffset: number;
}

/**
 * The ten octets; what is left out is 0: an ordinary packet with complete checksums.
 * @throws WireError E_WIRE_FIELD
 */
export function virtioNetHeader(fields: Partial<VirtioNetHeader> = {}): Uint8Array {
  const octets = new Uint8Array(VNET_HEADER_BYTES);
  const view = new DataView(octets.buffer);
  view.setUint8(0, checkedField("virtio flags", fields.flags ?? 0, 0xff));
  view.setUint8(1, checkedField("gso type", fields.gsoType ?? GSO_NONE, 0xff));
  view.setUint16(2, checkedField("octets of the headers", fields.headerBytes ?? 0, 0xffff), true);
  view.setUint16(4, checkedField("octets of a segment", fields.gsoBytes ?? 0, 0xffff), true);
  view.setUint16(6, checkedField("checksum start", fields.checksumStart ?? 0, 0xffff), true);
  view.setUint16(8, checkedField("checksum offset", fields.checksumOffset ?? 0, 0xffff), true);
  return octets;
}

/**
 * Reads the ten octets at the start of `octets`.
 * @throws WireError E_WIRE_READ when there are fewer
 */
export function readVirtioNetHeader(octets: Uint8Array): VirtioNetHeader {
  if (octets.length < VNET_HEADER_BYTES) {
    throw new WireError("E_WIRE_READ", `virtio header must have ${VNET_HEADER_BYTES} octets, found ${octets.length}`);
  }
  const view = new DataView(octets.buffer, octets.byteOffset, VNET_HEADER_BYTES);
  return {
    flags: view.getUint8(0),
    gsoType: view.getUint8(1),
    headerBytes: view.getUint16(2, true),
    gsoBytes: view.getUint16(4, true),
    checksumStart: view.getUint16(6, true),
    checksumOffset: view.getUint16(8, true),
  };
}
