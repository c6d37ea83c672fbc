// The socket calls that a relay works with, whatever system is below. Numbers cross this edge as Linux has them:
// families, errors, the layout of addresses, and what is told of a descriptor. Each system's file turns them round.

import type { PollNumbers } from "./numbers.ts";

/** "native": epoll and pipes, which Linux alone has; "portable": poll and copies, which every system has. */
export type StreamForm = "native" | "portable";

/** What somebody waits for at a descriptor: EPOLLIN, EPOLLOUT. */
export type Want = 1 | 4;

/** How sockets to the outside are set. */
export interface Outside {
  readonly mark?: number | undefined;
  readonly bindTo?: string | undefined;
}

/** One system's calls. What returns 0 or an errno says so; what returns -1 leaves the cause in `errno()`. */
export interface Sockets {
  /** Opens what the calls need, so that no library is opened between a call that fails and its errno. */
  prepare(): void;
  /** The error of the call just made, as Linux numbers it. */
  errno(): number;
  /** Why its sockets cannot be set so; undefined: they can. */
  refusalOf(outside: Outside): string | undefined;

  streamSocket(family: number): number;
  datagramSocket(family: number): number;
  echoSocket(family: number): number;
  bindTo(fd: number, address: Uint8Array): number;
  listenOn(fd: number, backlog: number): number;
  acceptFrom(fd: number, peerAt: number, peerBytes: number): number;
  connectTo(fd: number, address: Uint8Array): number;
  localAddress(fd: number, into: Uint8Array): number;

  setReuse(fd: number): number;
  setFreeBind(fd: number): number;
  setIpv6Only(fd: number): number;
  setNoDelay(fd: number): number;
  /** A connection that was silent for so long shows that it is there. */
  setKeepAlive(fd: number, seconds: number): number;
  setMark(fd: number, mark: number): number;
  setDevice(fd: number, family: number, name: string): number;
  setHops(fd: number, family: number, hops: number): number;
  /** Whether closing, however it comes about, sends an RST and drops what was not sent; else it ends in order. */
  setAbort(fd: number, aborts: boolean): void;
  takeError(fd: number): number;
  unsentBytes(fd: number): number;

  receive(fd: number, at: number, bytes: number): number;
  send(fd: number, at: number, bytes: number): number;
  sendUrgent(fd: number, at: number, bytes: number): number;
  receiveFrom(fd: number, at: number, bytes: number, peerAt: number, peerBytes: number): number;
  sendTo(fd: number, at: number, bytes: number, peer: Uint8Array): number;
  shutdownWrite(fd: number): void;
  closeFile(fd: number): void;

  /** A descriptor that one thread raises and another waits for, or -1. */
  openSignal(): number;
  raiseSignal(fd: number): void;
  clearSignal(fd: number): void;
  /** Raises how many descriptors the process may have to `wanted`, or as far as it may. How many it may have now. */
  raiseFileLimit(wanted: number): number;
}

/** Descriptors that a thread waits for with poll. */
export interface PollCalls {
  readonly polling: PollNumbers;
  /** How many have something to tell, or -1. */
  poll(at: number, count: number, timeoutMs: number): number;
  /** Is told of each descriptor that has nothing to read, or no room, any more; until the answer is called. */
  onDry(told: (fd: number, want: Want) => void): () => void;
}

export type PortableSockets = Sockets & PollCalls;

/** Whether a thread with these sockets waits with poll. */
export function isPortable(sockets: Sockets): sockets is PortableSockets {
  return "polling" in sockets;
}
