// The mark of a socket, on Linux.
import { addressOf, errno, libcNames, library } from "@bunnel/ffi";

// asm-generic/socket.h
const SOL_SOCKET = 1;
const SO_MARK = 36;

const libc = library(libcNames("linux").paths, {
  setsockopt: { args: ["i32", "i32", "i32", "i64", "u32"], returns: "i32" },
});

/** Packets of this socket carry the mark. 0, or the errno; it needs CAP_NET_ADMIN. */
export function setMark(descriptor: number, mark: number): number {
  const value = Uint32Array.of(mark);
  return libc().setsockopt(descriptor, SOL_SOCKET, SO_MARK, addressOf(value), 4) < 0 ? errno() : 0;
}
