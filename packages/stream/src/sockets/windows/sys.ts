// Socket calls of Windows: ws2_32.dll, winsock2.h. A SOCKET is as wide as a pointer and crosses as one; its value has
// no more than 32 bits that count.
import { read } from "bun:ffi";
import { addressOf, library, pointer } from "@bunnel/ffi";
import type { SocketCalls } from "../calls.ts";
import { findSource, ROW_BYTES, ROWS_AT } from "./source-address.ts";

const WINSOCK = {
  WSAStartup: { args: ["u32", "ptr"], returns: "i32" },
  WSAGetLastError: { args: [], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i64" },
  ioctlsocket: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  bind: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  listen: { args: ["ptr", "i32"], returns: "i32" },
  accept: { args: ["ptr", "ptr", "ptr"], returns: "i64" },
  connect: { args: ["ptr", "ptr", "i32"], returns: "i32" },
  getsockname: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["ptr", "i32", "i32", "ptr", "i32"], returns: "i32" },
  getsockopt: { args: ["ptr", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  recv: { args: ["ptr", "ptr", "i32", "i32"], returns: "i32" },
  send: { args: ["ptr", "ptr", "i32", "i32"], returns: "i32" },
  recvfrom: { args: ["ptr", "ptr", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  sendto: { args: ["ptr", "ptr", "i32", "i32", "ptr", "i32"], returns: "i32" },
  shutdown: { args: ["ptr", "i32"], returns: "i32" },
  closesocket: { args: ["ptr"], returns: "i32" },
  WSAPoll: { args: ["ptr", "u32", "i32"], returns: "i32" },
} as const;

// netioapi.h
const IPHLPAPI = {
  ConvertInterfaceAliasToLuid: { args: ["ptr", "ptr"], returns: "u32" },
  ConvertInterfaceLuidToIndex: { args: ["ptr", "ptr"], returns: "u32" },
  GetUnicastIpAddressTable: { args: ["u16", "ptr"], returns: "u32" },
  FreeMibTable: { args: ["ptr"], returns: "void" },
} as const;

// processthreadsapi.h, handleapi.h
const KERNEL32 = { SetHandleInformation: { args: ["ptr", "u32", "u32"], returns: "i32" } } as const;

const iphlpapi = library("iphlpapi.dll", IPHLPAPI);
const VERSION_2_2 = 0x0202;
/** Room for WSADATA, which has 408 octets on 64-bit systems. */
const WSADATA_BYTES = 512;
/** winsock2.h FIONBIO, as the `long` that ioctlsocket takes. */
const FIONBIO = 0x8004_667e | 0;
const HANDLE_FLAG_INHERIT = 1;
/** winsock2.h WSAEWOULDBLOCK, and WSAEINPROGRESS, which is what a connection that has begun is called elsewhere. */
const WSAEWOULDBLOCK = 10035;
const WSAEINPROGRESS = 10036;

/** The calls. @throws Error when a library cannot be opened, or has no version 2.2 */
export function windowsCalls(): SocketCalls {
  const winsock = library("ws2_32.dll", WINSOCK)();
  const kernel = library("kernel32.dll", KERNEL32)();
  const data = new Uint8Array(WSADATA_BYTES);
  if (winsock.WSAStartup(VERSION_2_2, pointer(addressOf(data))) !== 0) {
    throw new Error("winsock: expected version 2.2, found another");
  }
  const one = Int32Array.of(1);
  let failure = 0;
  /** The cause is asked for directly behind the call that failed. */
  const checked = (result: number): number => {
    if (result < 0) failure = winsock.WSAGetLastError();
    return result;
  };
  return {
    errno: () => failure,
    socket: (family, type, protocol) => checked(Number(winsock.socket(family, type, protocol))),
    setUp: (fd) =>
      winsock.ioctlsocket(pointer(fd), FIONBIO, pointer(addressOf(one))) === 0 &&
      kernel.SetHandleInformation(pointer(fd), HANDLE_FLAG_INHERIT, 0) !== 0,
    bind: (fd, at, bytes) => checked(winsock.bind(pointer(fd), at, bytes)),
    listen: (fd, backlog) => checked(winsock.listen(pointer(fd), backlog)),
    accept: (fd, at, bytesAt) => checked(Number(winsock.accept(pointer(fd), at, bytesAt))),
    connect(fd, at, bytes) {
      const result = checked(winsock.connect(pointer(fd), at, bytes));
      if (failure === WSAEWOULDBLOCK) failure = WSAEINPROGRESS;
      return result;
    },
    getsockname: (fd, at, bytesAt) => checked(winsock.getsockname(pointer(fd), at, bytesAt)),
    setsockopt: (fd, level, option, at, bytes) => checked(winsock.setsockopt(pointer(fd), level, option, at, bytes)),
    getsockopt: (fd, level, option, at, bytesAt) =>
      checked(winsock.getsockopt(pointer(fd), level, option, at, bytesAt)),
    recv: (fd, at, bytes, flags) => checked(winsock.recv(pointer(fd), at, bytes, flags)),
    send: (fd, at, bytes, flags) => checked(winsock.send(pointer(fd), at, bytes, flags)),
    recvfrom: (fd, at, bytes, flags, peerAt, bytesAt) =>
      checked(winsock.recvfrom(pointer(fd), at, bytes, flags, peerAt, bytesAt)),
    sendto: (fd, at, bytes, flags, peerAt, peerBytes) =>
      checked(winsock.sendto(pointer(fd), at, bytes, flags, peerAt, peerBytes)),
    shutdown: (fd, how) => checked(winsock.shutdown(pointer(fd), how)),
    close: (fd) => void winsock.closesocket(pointer(fd)),
    poll: (at, count, timeoutMs) => checked(winsock.WSAPoll(at, count, timeoutMs)),
    interfaceIndex,
    sourceOf,
    // Sockets are bounded by memory alone.
    raiseFileLimit: (wanted) => wanted,
  };
}

/** By the name that people see, such as "Ethernet". */
function interfaceIndex(name: string): number {
  const { ConvertInterfaceAliasToLuid, ConvertInterfaceLuidToIndex } = iphlpapi();
  const alias = Buffer.from(`${name}\0`, "utf16le");
  const luid = new BigUint64Array(1);
  const index = new Uint32Array(1);
  const luidAt = pointer(addressOf(luid));
  const isFound =
    ConvertInterfaceAliasToLuid(pointer(addressOf(alias)), luidAt) === 0 &&
    ConvertInterfaceLuidToIndex(luidAt, pointer(addressOf(index))) === 0;
  return isFound ? read.u32(pointer(addressOf(index)), 0) : 0;
}

/** From MIB_UNICASTIPADDRESS_TABLE: how many rows, and the rows behind it. */
function sourceOf(index: number, family: number): Uint8Array | undefined {
  const { GetUnicastIpAddressTable, FreeMibTable } = iphlpapi();
  const table = new BigUint64Array(1);
  if (GetUnicastIpAddressTable(family, pointer(addressOf(table))) !== 0) return undefined;
  const at = pointer(Number(read.u64(pointer(addressOf(table)), 0)));
  const bytes = ROWS_AT + read.u32(at, 0) * ROW_BYTES;
  const octets = Uint8Array.from({ length: bytes }, (_, offset) => read.u8(at, offset));
  FreeMibTable(at);
  return findSource(octets, index, family);
}
