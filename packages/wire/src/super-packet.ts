// Super-packets: one IP packet that stands for many, with a virtio header that says how to cut it.
import { pseudoHeaderSum } from "./checksum.ts";
import { decodePacket } from "./decode.ts";
import { addressesOf, familyOf, type IpFields } from "./ip-packet.ts";
import {
  parseTcpFlags,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  TCP_CHECKSUM_OFFSET,
  TCP_CWR,
  UDP_CHECKSUM_OFFSET,
} from "./protocol.ts";
import { tcpPacket, udpPacket, type TcpFields, type UdpFields } from "./transport.ts";
import { GSO_ECN, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, VIRTIO_NEEDS_CHECKSUM, virtioNetHeader } from "./virtio.ts";

/** A packet of up to 64 KiB that stands for many, and what the kernel says about it. */
export interface SuperPacket {
  /** The ten octets of the virtio header. */
  readonly header: Uint8Array;
  /** The checksum field of its transport holds the folded, uninverted sum of the pseudo-header. */
  readonly packet: Uint8Array;
}

/**
 * A TCP super-packet whose segments carry `gsoBytes` octets each (the last: what is left).
 * @throws WireError E_WIRE_FIELD, E_WIRE_ADDRESS
 */
export function superPacket(fields: TcpFields, gsoBytes: number): SuperPacket {
  const type = familyOf(fields) === 4 ? GSO_TCPV4 : GSO_TCPV6;
  const cwr = (parseTcpFlags(fields.flags ?? "") & TCP_CWR) !== 0;
  const packet = (checksum: number): Uint8Array => tcpPacket({ ...fields, checksum });
  return partial(fields, PROTOCOL_TCP, packet, {
    gsoType: type | (cwr ? GSO_ECN : 0),
    gsoBytes,
    checksumOffset: TCP_CHECKSUM_OFFSET,
  });
}

/**
 * The same for UDP (USO): datagrams of `gsoBytes` octets of payload each.
 * @throws WireError E_WIRE_FIELD, E_WIRE_ADDRESS
 */
export function superDatagram(fields: UdpFields, gsoBytes: number): SuperPacket {
  const packet = (checksum: number): Uint8Array => udpPacket({ ...fields, checksum });
  return partial(fields, PROTOCOL_UDP, packet, {
    gsoType: GSO_UDP_L4,
    gsoBytes,
    checksumOffset: UDP_CHECKSUM_OFFSET,
  });
}

function partial(
  fields: IpFields,
  protocol: number,
  packetOf: (checksum: number) => Uint8Array,
  offload: { readonly gsoType: number; readonly gsoBytes: number; readonly checksumOffset: number },
): SuperPacket {
  const { l4Offset, payloadOffset, totalBytes } = decodePacket(packetOf(0));
  const { source, destination } = addressesOf(fields);
  const header = virtioNetHeader({
    ...offload,
    flags: VIRTIO_NEEDS_CHECKSUM,
    headerBytes: payloadOffset,
    checksumStart: l4Offset,
  });
  return {
    header,
    packet: packetOf(pseudoHeaderSum(source, destination, protocol, totalBytes - l4Offset)),
  };
}
