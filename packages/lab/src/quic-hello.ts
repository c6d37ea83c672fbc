// The host name in a ClientHello as QUIC carries it: the handshake message without a record (RFC 9001 section 4).
import { messageWithin } from "./message.ts";
import { concat } from "./octets.ts";

/** Undefined: it is no hello, it has no name, or the name is cut short. */
export function helloName(handshake: Uint8Array): string | undefined {
  const header = Uint8Array.of(22, 3, 1, (handshake.length >> 8) & 0xff, handshake.length & 0xff);
  return messageWithin(concat(header, handshake))?.host;
}
