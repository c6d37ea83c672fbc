// ICMP errors about datagrams of ours, as a socket's queue has them (ip(7), IP_RECVERR; linux/errqueue.h).
//
//   cmsghdr   length 8 | level 4 | type 4
//   error     errno 4 | origin 1 | type 1 | code 1 | pad 1 | info 4 | data 4 | sockaddr of who complains
import type { SocketAddress } from "../relay-options.ts";
import { readSockaddr, SOCKADDR_MAX_BYTES } from "../socket-address.ts";
import { AF_INET, AF_INET6 } from "../sys.ts";
import { takeQueuedError } from "./sys.ts";

/** What came back about a datagram. */
export interface DatagramError {
  /** Where the datagram was sent to. */
  readonly to: SocketAddress;
  /** Who complains; undefined: this machine. */
  readonly from: string | undefined;
  /** The system's number for it. */
  readonly errno: number;
  /** Of the ICMP message; 0 where `from` is undefined. */
  readonly type: number;
  readonly code: number;
  /** The MTU where it was too big. */
  readonly info: number;
  /** What of the datagram's payload came back. */
  readonly payload: Uint8Array;
}

/** SO_EE_ORIGIN_ICMP and SO_EE_ORIGIN_ICMP6 of linux/errqueue.h. */
const FROM_ICMP = [2, 3] as const;
const HEADER_BYTES = 16;
const ERROR_BYTES = 16;
/** As much as a router quotes at most (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4). */
const QUOTED_MAX_BYTES = 1280;

const name = new Uint8Array(SOCKADDR_MAX_BYTES);
const payload = new Uint8Array(QUOTED_MAX_BYTES);
const control = new Uint8Array(256);

/** Takes the next error from a socket; undefined: there is none. */
export function nextError(fd: number): DatagramError | undefined {
  const read = takeQueuedError(fd, { name, payload, control });
  if (read === undefined) return undefined;
  // Copies, because the compiler does not know that a system call has written to the originals.
  const octets = control.slice();
  const view = new DataView(octets.buffer);
  const to = readSockaddr(name);
  const quoted = payload.slice(0, read.payloadBytes);
  if (read.controlBytes < HEADER_BYTES + ERROR_BYTES) {
    return { to, from: undefined, errno: 0, type: 0, code: 0, info: 0, payload: quoted };
  }
  const at = HEADER_BYTES;
  const isIcmp = FROM_ICMP.some((origin) => origin === octets[at + 4]);
  const offender = octets.slice(at + ERROR_BYTES, at + ERROR_BYTES + SOCKADDR_MAX_BYTES);
  const family = new DataView(offender.buffer).getUint16(0, true);
  const hasOffender = isIcmp && (family === AF_INET || family === AF_INET6);
  return {
    to,
    from: hasOffender ? readSockaddr(offender).address : undefined,
    errno: view.getUint32(at, true),
    type: isIcmp ? (octets[at + 5] ?? 0) : 0,
    code: isIcmp ? (octets[at + 6] ?? 0) : 0,
    info: view.getUint32(at + 8, true),
    payload: quoted,
  };
}
