// Sockets to the outside: they carry the mark and the interface that keep them out of the tunnel.
import { familyOf, readSockaddr, SOCKADDR_MAX_BYTES, sockaddrOf } from "../socket-address.ts";
import type { SocketAddress } from "../relay-options.ts";
import { closeFile, connectTo, errno, localAddress, streamSocket, currentSockets } from "../sockets/current.ts";
import type { Sockets } from "../sockets/sockets.ts";
import { AF_INET6, EINPROGRESS } from "../sys.ts";

/**
 * Within an hour a silent connection shows that it is there: whoever translates it, here or outside, may forget it
 * after 2 hours 4 minutes (RFC 5382 section 5, REQ-5).
 */
export const KEEP_ALIVE_SECONDS = 3600;

/** How sockets to the outside are set. */
export interface OutsideOptions {
  readonly mark?: number | undefined;
  readonly bindTo?: string | undefined;
}

/** A connection that was begun, or the error that kept it from that. */
export function beginConnection(
  to: SocketAddress,
  options: OutsideOptions,
): { readonly fd: number } | { readonly error: number } {
  const family = familyOf(to.address);
  const fd = streamSocket(family);
  if (fd < 0) return { error: errno() };
  const error = setOutside(fd, family, options, "stream") || connectTo(fd, sockaddrOf(to));
  if (error === 0 || error === EINPROGRESS) return { fd };
  closeFile(fd);
  return { error };
}

/** The address that a connection to the outside has on this side. */
export function boundAddress(fd: number, family: number): SocketAddress {
  const sockaddr = new Uint8Array(SOCKADDR_MAX_BYTES);
  if (localAddress(fd, sockaddr) === 0) return readSockaddr(sockaddr);
  return { address: family === AF_INET6 ? "::" : "0.0.0.0", port: 0 };
}

/** 0, or the errno of the option that was refused. */
export function setOutside(
  fd: number,
  family: number,
  { mark, bindTo }: OutsideOptions,
  kind: "stream" | "datagram",
  sockets: Sockets = currentSockets(),
): number {
  if (kind === "stream") {
    sockets.setNoDelay(fd);
    sockets.setKeepAlive(fd, KEEP_ALIVE_SECONDS);
  }
  return (
    (mark === undefined ? 0 : sockets.setMark(fd, mark)) ||
    (bindTo === undefined ? 0 : sockets.setDevice(fd, family, bindTo))
  );
}
