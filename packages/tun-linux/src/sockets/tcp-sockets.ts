// The TCP sockets of this network namespace with what the kernel knows of each (sock_diag(7)): nobody's packets are
// looked at. Source: linux/inet_diag.h, linux/sock_diag.h, linux/tcp.h (struct tcp_info), net/tcp_states.h.
//
//   request: | family u8 | protocol u8 | extensions u8 | pad u8 | states u32 | id 48 |
//   answer:  | family u8 | state u8 | timer u8 | retransmits u8 | id 48 | expires, rqueue, wqueue, uid, inode u32 |
//            | attributes … |
//   id:      | source port be16 | destination port be16 | source 16 | destination 16 | interface u32 | cookie u32 × 2 |
import { formatAddress } from "../netcfg/address-text.ts";
import { NetlinkMessage, NetlinkSocket, parseAttributes, type ReceivedMessage } from "../netlink/index.ts";

const NETLINK_SOCK_DIAG = 4; // linux/netlink.h
const SOCK_DIAG_BY_FAMILY = 20;
const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
const REQUEST_BYTES = 56;
const ANSWER_BYTES = 72;
const INET_DIAG_INFO = 2;

const ID_AT = 4;
const SOURCE_AT = ID_AT + 4;
const DESTINATION_AT = SOURCE_AT + 16;

/** Offsets in struct tcp_info; a test compares them with the system's header. */
export const TCP_INFO = {
  retransmits: 2,
  unacked: 24,
  lastDataRecv: 52,
  bytesAcked: 120,
  bytesReceived: 128,
  outOfOrder: 224,
} as const;
const TCP_INFO_NEEDED_BYTES = TCP_INFO.bytesReceived + 8;
/** idiag_rqueue of struct inet_diag_msg. */
const UNREAD_AT = 56;

/** States in which octets pass, or may have to be sent again: TCP_ESTABLISHED and so on. */
const STATES = { established: 1, finWait1: 4, finWait2: 5, closeWait: 8, lastAck: 9, closing: 11 } as const;
const WANTED_STATES = Object.values(STATES).reduce((bits, state) => bits | (1 << state), 0);

/** ::ffff:0:0/96: a socket of both families that speaks IPv4 (RFC 4291 section 2.5.5.2). */
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** A TCP socket as of now. */
export interface TcpSocketInfo {
  /** Addresses in canonical text; IPv4 also where the socket is of both families. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Segments that wait for an acknowledgement. */
  readonly unacked: number;
  /** How often the oldest of them was sent again. */
  readonly retransmits: number;
  /** Since octets came last; since the socket was made where none did. */
  readonly sinceReceivedMs: number;
  /** Octets of ours that were acknowledged, the SYN as one. */
  readonly bytesAcked: number;
  readonly bytesReceived: number;
  /** Octets that were received in order and that the program has not read. */
  readonly unread: number;
  /** Segments that came behind a gap; undefined: the kernel does not count them (Linux 5.4 does). */
  readonly outOfOrder: number | undefined;
}

/** Asks for sockets; one is enough for a process. */
export class TcpSockets implements Disposable {
  private constructor(readonly netlink: NetlinkSocket) {}

  /** @throws DeviceError where the kernel has no such question */
  static open(): TcpSockets {
    return new TcpSockets(NetlinkSocket.open(NETLINK_SOCK_DIAG));
  }

  /**
   * The connections of both families in which octets can pass, those included that their programs have closed and the
   * kernel still tries to end.
   * @throws NetlinkError; DeviceError
   */
  list(): TcpSocketInfo[] {
    return [AF_INET, AF_INET6].flatMap((family) =>
      this.netlink.dump(request(family)).flatMap((message) => read(message) ?? []),
    );
  }

  /** Closes it. A second call does nothing. */
  close(): void {
    this.netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function request(family: number): NetlinkMessage {
  const header = new Uint8Array(REQUEST_BYTES);
  header.set([family, IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1)]);
  new DataView(header.buffer).setUint32(4, WANTED_STATES, true);
  return new NetlinkMessage(SOCK_DIAG_BY_FAMILY, 0, header);
}

/** Undefined: an answer of another kind, or of a kernel that knows less. */
function read({ type, payload }: ReceivedMessage): TcpSocketInfo | undefined {
  if (type !== SOCK_DIAG_BY_FAMILY || payload.length < ANSWER_BYTES) return undefined;
  const info = parseAttributes(payload.subarray(ANSWER_BYTES)).get(INET_DIAG_INFO);
  if (info === undefined || info.length < TCP_INFO_NEEDED_BYTES) return undefined;
  const id = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const tcp = new DataView(info.buffer, info.byteOffset, info.byteLength);
  const isV4 = payload[0] === AF_INET;
  return {
    localAddress: addressAt(payload, SOURCE_AT, isV4),
    localPort: id.getUint16(ID_AT),
    remoteAddress: addressAt(payload, DESTINATION_AT, isV4),
    remotePort: id.getUint16(ID_AT + 2),
    unacked: tcp.getUint32(TCP_INFO.unacked, true),
    retransmits: tcp.getUint8(TCP_INFO.retransmits),
    sinceReceivedMs: tcp.getUint32(TCP_INFO.lastDataRecv, true),
    bytesAcked: Number(tcp.getBigUint64(TCP_INFO.bytesAcked, true)),
    bytesReceived: Number(tcp.getBigUint64(TCP_INFO.bytesReceived, true)),
    unread: id.getUint32(UNREAD_AT, true),
    outOfOrder: info.length < TCP_INFO.outOfOrder + 4 ? undefined : tcp.getUint32(TCP_INFO.outOfOrder, true),
  };
}

function addressAt(payload: Uint8Array, at: number, isV4: boolean): string {
  if (isV4) return formatAddress(payload.subarray(at, at + 4));
  const isMapped = MAPPED.every((octet, i) => payload[at + i] === octet);
  return formatAddress(payload.subarray(isMapped ? at + 12 : at, at + 16));
}
