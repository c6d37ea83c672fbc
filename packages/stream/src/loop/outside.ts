// Sockets to the outside: they carry the mark and the interface that keep them out of the tunnel.
import { sockaddrOf, familyOf } from "../socket-address.ts";
import type { SocketAddress } from "../relay-options.ts";
import { closeFile, connectTo, EINPROGRESS, errno, setDevice, setMark, setNoDelay, streamSocket } from "../sys.ts";

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
  const fd = streamSocket(familyOf(to.address));
  if (fd < 0) return { error: errno() };
  const error = setOutside(fd, options) || connectTo(fd, sockaddrOf(to));
  if (error === 0 || error === EINPROGRESS) return { fd };
  closeFile(fd);
  return { error };
}

/** 0, or the errno of the option that was refused. */
export function setOutside(fd: number, { mark, bindTo }: OutsideOptions): number {
  setNoDelay(fd);
  return (mark === undefined ? 0 : setMark(fd, mark)) || (bindTo === undefined ? 0 : setDevice(fd, bindTo));
}
