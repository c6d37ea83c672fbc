// What went wrong outside, told to the client as it would have been without us: an ICMP error about its own packet
// (RFC 792, RFC 1191 section 4, RFC 4443 section 3), from whom it came.
import { internetChecksum, ipPacket, pseudoHeaderSum } from "@bunnel/wire";
import { parseAddress } from "@bunnel/wire";
import type { DatagramError } from "./error-queue.ts";
import { EMSGSIZE } from "./sys.ts";
import { EACCES, EHOSTUNREACH, ENETUNREACH, EPERM } from "../sys.ts";

const ICMP = 1;
const ICMPV6 = 58;
const HEADER_BYTES = 8;
const UNREACHABLE = 3;
const TOO_BIG = 4;
const UNREACHABLE6 = 1;
const TOO_BIG6 = 2;
/** Octets of the whole message: RFC 1812 section 4.3.2.3, RFC 4443 section 2.4(c). */
const MESSAGE_MAX_BYTES = 576;
const MESSAGE6_MAX_BYTES = 1280;

/** What the system says itself, as a router would have: code of "unreachable" in IPv4 and in IPv6. */
const CODES: Readonly<Partial<Record<number, readonly [v4: number, v6: number]>>> = {
  [ENETUNREACH]: [0, 0],
  [EHOSTUNREACH]: [1, 3],
  [EACCES]: [13, 1],
  [EPERM]: [13, 1],
};

/**
 * The packet that tells a client of it; undefined: a client would not have heard of it either.
 * @param quoted the packet as the client sent it, or the beginning of it
 */
export function toldError(error: DatagramError, quoted: Uint8Array, client: string): Uint8Array | undefined {
  const isIpv4 = !client.includes(":");
  const said = error.from === undefined ? ownWords(error, isIpv4) : error;
  if (said === undefined) return undefined;
  const source = error.from ?? error.to.address;
  const headers = (isIpv4 ? 20 : 40) + HEADER_BYTES;
  const room = (isIpv4 ? MESSAGE_MAX_BYTES : MESSAGE6_MAX_BYTES) - headers;
  const message = new Uint8Array(HEADER_BYTES + Math.min(quoted.length, room));
  const view = new DataView(message.buffer);
  view.setUint8(0, said.type);
  view.setUint8(1, said.code);
  // The MTU stands in the lower half in IPv4 (RFC 1191), in the whole word in IPv6.
  if (said.info > 0) view.setUint32(4, isIpv4 ? Math.min(said.info, 0xffff) : said.info);
  message.set(quoted.subarray(0, room), HEADER_BYTES);
  return icmpPacket(source, client, message);
}

function ownWords(
  { errno, info }: DatagramError,
  isIpv4: boolean,
): Pick<DatagramError, "type" | "code" | "info"> | undefined {
  if (errno === EMSGSIZE)
    return isIpv4 ? { type: UNREACHABLE, code: TOO_BIG, info } : { type: TOO_BIG6, code: 0, info };
  const codes = CODES[errno];
  if (codes === undefined) return undefined;
  return { type: isIpv4 ? UNREACHABLE : UNREACHABLE6, code: codes[isIpv4 ? 0 : 1], info: 0 };
}

/** An ICMP message in its packet, with the right checksum. */
export function icmpPacket(source: string, destination: string, message: Uint8Array): Uint8Array {
  const isIpv4 = !destination.includes(":");
  const octets = message.slice();
  const view = new DataView(octets.buffer);
  view.setUint16(2, 0);
  const pseudo = isIpv4 ? 0 : pseudoHeaderSum(parseAddress(source), parseAddress(destination), ICMPV6, octets.length);
  view.setUint16(2, internetChecksum(octets, pseudo));
  return ipPacket({ source, destination, protocol: isIpv4 ? ICMP : ICMPV6, payload: octets, dontFragment: false });
}
