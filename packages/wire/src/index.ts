export { formatAddress, formatEndpoint, parseAddress, parseEndpoint } from "./address.ts";
export type { Capture, CapturedPacket, CaptureInterface, CaptureSink, PacketToCapture } from "./capture.ts";
export {
  internetChecksum,
  internetSum,
  pseudoHeaderSum,
  updateChecksum,
  verifyChecksums,
  type ChecksumVerdict,
} from "./checksum.ts";
export { decodePacket } from "./decode.ts";
export { WireError, type WireErrorCode } from "./errors.ts";
export { fragmentsOf } from "./fragment.ts";
export { HTTP_METHODS, httpRequest, readHttpRequest, type HttpRequestFields, type ReadRequest } from "./http.ts";
export { fragmentHeader, ipPacket, type ExtensionHeader, type IpFields, type IpPacketFields } from "./ip-packet.ts";
export { packetFromLine } from "./line.ts";
export * from "./link-type.ts";
export { PcapWriter, writePcap, type PcapOptions } from "./pcap.ts";
export { PcapngWriter, writePcapng } from "./pcapng-write.ts";
export { printPacket } from "./print.ts";
export * from "./protocol.ts";
export { quicFrames, quicNumber, readQuicFrames, type QuicAck, type QuicCrypto, type QuicFrame } from "./quic-frame.ts";
export {
  mixedFrames,
  QUIC_INITIAL_DATAGRAM_BYTES,
  quicHello,
  quicInitial,
  quicInitialOf,
  quicInitials,
  type QuicInitialFields,
} from "./quic-initial.ts";
export { quicInitialKeys, type QuicKeys, type QuicSide, type QuicVersion } from "./quic-keys.ts";
export { quicOpaquePacket, type QuicLongHeader, type QuicPacketKind } from "./quic-packet.ts";
export { readQuicInitial, readQuicServerName, type ReadInitial, type ReadInitialOptions } from "./quic-read.ts";
export { readCapture } from "./read-capture.ts";
export { segmentSuperPacket } from "./segment.ts";
export { superDatagram, superPacket, type SuperPacket } from "./super-packet.ts";
export { readTcpOptions, tcpOptions, tcpOptionsOf, type TcpOption } from "./tcp-options.ts";
export {
  clientHello,
  POST_QUANTUM_SHARE_BYTES,
  splitRecords,
  type ClientHelloFields,
  type TlsExtension,
} from "./tls-hello.ts";
export { readClientHello, type ReadHello } from "./tls-read.ts";
export { icmpEcho, tcpPacket, udpPacket, type EchoFields, type TcpFields, type UdpFields } from "./transport.ts";
export type { DecodedPacket } from "./types.ts";
export {
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  readVirtioNetHeader,
  VIRTIO_DATA_VALID,
  VIRTIO_NEEDS_CHECKSUM,
  virtioNetHeader,
  type VirtioNetHeader,
} from "./virtio.ts";
