// What Bun does not have, on Linux: datagrams to a unix socket, and an end that waits for no thread.
import { errno, libcNames, library } from "@bunnel/ffi";

// bits/socket.h, bits/socket_type.h
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** asm-generic/errno.h */
const ENAMETOOLONG = 36;

/** sun_path of linux/un.h */
const PATH_MAX_BYTES = 108;

const libc = library(libcNames("linux").paths, {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  send: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
  _exit: { args: ["i32"], returns: "void" },
});

/** A socket that is connected to `path`, where "@" stands for the NUL of an abstract one; or the errno, negative. */
export function connectDatagrams(path: string): number {
  const name = new TextEncoder().encode(path.startsWith("@") ? `\0${path.slice(1)}` : path);
  const address = new Uint8Array(2 + PATH_MAX_BYTES);
  if (name.length >= PATH_MAX_BYTES) return -ENAMETOOLONG;
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  const fd = libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno();
  if (libc().connect(fd, address, 2 + name.length) === 0) return fd;
  const failed = errno();
  libc().close(fd);
  return -failed;
}

/** Sends without waiting; what is lost is lost. */
export function sendDatagram(fd: number, text: string): void {
  const octets = new TextEncoder().encode(text);
  libc().send(fd, octets, octets.length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

export function closeSocket(fd: number): void {
  libc().close(fd);
}

/** Ends the process with all its threads, whatever they are doing: exit_group(2). */
export function exitAtOnce(status: number): void {
  libc()._exit(status);
}
