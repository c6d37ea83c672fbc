// Socket calls of a C library, with a table of its system's numbers. sys/fcntl.h, sys/resource.h.
import { read } from "bun:ffi";
import { addressOf, cString, library, pointer, type Symbols } from "@bunnel/ffi";
import type { SocketCalls } from "../calls.ts";
import type { SocketNumbers } from "../numbers.ts";

const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
/** Where the system does not say how many descriptors there may be. */
const FILES_UNTOLD = 256;

const CALLS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "i32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  accept: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  connect: { args: ["i32", "ptr", "i32"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  recv: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  recvfrom: { args: ["i32", "ptr", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "i32", "i32", "ptr", "i32"], returns: "i32" },
  shutdown: { args: ["i32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  poll: { args: ["ptr", "u32", "i32"], returns: "i32" },
  if_nametoindex: { args: ["ptr"], returns: "u32" },
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
} as const;

/** The calls of the system that has these numbers. @throws Error when its library cannot be opened */
export function posixCalls(numbers: SocketNumbers): SocketCalls {
  const symbols = library(numbers.libraries, CALLS)();
  const errnoAt = addressOfErrno(numbers);
  const fcntl = fcntlOf(numbers);
  const { O_NONBLOCK } = numbers;
  return {
    ...symbols,
    errno: () => read.i32(errnoAt, 0),
    setUp: (fd) =>
      fcntl(fd, F_SETFD, FD_CLOEXEC) === 0 &&
      fcntl(fd, F_SETFL, O_NONBLOCK) === 0 &&
      (fcntl(fd, F_GETFL, 0) & O_NONBLOCK) !== 0,
    interfaceIndex(name) {
      const text = cString(name);
      return symbols.if_nametoindex(pointer(addressOf(text)));
    },
    raiseFileLimit: (wanted) => raiseLimit(symbols, numbers, wanted),
  };
}

/** fcntl with a number, by one of two conventions (see `SocketNumbers.isVariadicPadded`). */
function fcntlOf({ libraries, isVariadicPadded }: SocketNumbers) {
  if (!isVariadicPadded) {
    const { fcntl } = library(libraries, { fcntl: { args: ["i32", "i32", "i64"], returns: "i32" } })();
    return (fd: number, command: number, value: number) => fcntl(fd, command, value);
  }
  const { fcntl } = library(libraries, {
    fcntl: { args: ["i32", "i32", "u64", "u64", "u64", "u64", "u64", "u64", "i64"], returns: "i32" },
  })();
  return (fd: number, command: number, value: number) => fcntl(fd, command, 0, 0, 0, 0, 0, 0, value);
}

function addressOfErrno({ libraries, errnoLocation }: SocketNumbers): number {
  const call = library(libraries, { [errnoLocation]: { args: [], returns: "ptr" } })()[errnoLocation];
  return Number(call?.());
}

type LimitCalls = Pick<Symbols<typeof CALLS>, "getrlimit" | "setrlimit">;

function raiseLimit({ getrlimit, setrlimit }: LimitCalls, { RLIMIT_NOFILE, filesMax }: SocketNumbers, wanted: number) {
  const most = BigInt(Math.min(wanted, filesMax ?? wanted));
  const found = new BigUint64Array(2);
  if (getrlimit(RLIMIT_NOFILE, pointer(addressOf(found))) < 0) return FILES_UNTOLD;
  const soft = read.u64(pointer(addressOf(found)), 0);
  const hard = read.u64(pointer(addressOf(found)), 8);
  if (soft >= most) return Number(soft);
  // Whoever may goes past the hard limit; others up to it.
  const tries: readonly (readonly [bigint, bigint])[] =
    hard < most
      ? [
          [most, most],
          [hard, hard],
        ]
      : [[most, hard]];
  for (const [limit, beyond] of tries) {
    const pair = BigUint64Array.of(limit, beyond);
    if (setrlimit(RLIMIT_NOFILE, pointer(addressOf(pair))) === 0) return Number(limit);
  }
  return Number(soft);
}
