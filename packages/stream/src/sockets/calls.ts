// What a system must be able to do for `SystemSockets`: the calls as C has them, by the thread that calls.
import type { Pointer } from "@bunnel/ffi";

/** One system's calls. What they return below 0 is a failure, whose cause `errno` has until the next call. */
export interface SocketCalls {
  /** As the system numbers it. */
  errno(): number;
  socket(family: number, type: number, protocol: number): number;
  /** Makes a fresh descriptor one that does not block and that no other program inherits. */
  setUp(fd: number): boolean;
  bind(fd: number, at: Pointer, bytes: number): number;
  listen(fd: number, backlog: number): number;
  accept(fd: number, at: Pointer, bytesAt: Pointer): number;
  connect(fd: number, at: Pointer, bytes: number): number;
  getsockname(fd: number, at: Pointer, bytesAt: Pointer): number;
  setsockopt(fd: number, level: number, option: number, at: Pointer, bytes: number): number;
  getsockopt(fd: number, level: number, option: number, at: Pointer, bytesAt: Pointer): number;
  recv(fd: number, at: Pointer, bytes: number, flags: number): number;
  send(fd: number, at: Pointer, bytes: number, flags: number): number;
  recvfrom(fd: number, at: Pointer, bytes: number, flags: number, peerAt: Pointer, bytesAt: Pointer): number;
  sendto(fd: number, at: Pointer, bytes: number, flags: number, peerAt: Pointer, peerBytes: number): number;
  shutdown(fd: number, how: number): number;
  close(fd: number): void;
  poll(at: Pointer, count: number, timeoutMs: number): number;
  /** Of an interface by its name; 0: there is none. */
  interfaceIndex(name: string): number;
  /**
   * An address of an interface that its own packets carry, in octets; undefined: it has none. Only where a socket that
   * has the address of an interface leaves by that (the strong host model of RFC 1122 section 3.3.4.2).
   */
  sourceOf?(interfaceIndex: number, family: number): Uint8Array | undefined;
  raiseFileLimit(wanted: number): number;
}
