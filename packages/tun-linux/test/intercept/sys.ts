// Sockets for the tests, straight from the system: non-blocking, marked as asked, made in the calling thread's
// namespace.
import { addressOf, errno, libcNames, library, pointer } from "@bunnel/ffi";
import { parseAddress } from "../../src/netcfg/address-text.ts";

const libc = library(libcNames("linux").paths, {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  connect: { args: ["i32", "ptr", "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "i32", "i32", "ptr", "i32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  getpeername: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

// bits/socket.h, netinet/in.h, asm-generic/socket.h, linux/in6.h
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_NONBLOCK = 0x800;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const IPPROTO_RAW = 255;
const IPPROTO_IPV6 = 41;
const IPV6_HDRINCL = 36;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_LINGER = 13;
const SO_MARK = 36;
const MSG_NOSIGNAL = 0x4000;
const EINPROGRESS = 115;
const RECEIVE_MAX_BYTES = 4096;

function must(result: number, what: string): number {
  if (result < 0) throw new Error(`${what}: errno ${errno()}`);
  return result;
}

function setOption(fd: number, level: number, name: number, ...words: number[]): void {
  const value = new Int32Array(words);
  must(libc().setsockopt(fd, level, name, pointer(addressOf(value)), value.byteLength), `option ${level}/${name}`);
}

function socketAddress(address: string, port: number): Uint8Array {
  const { family, octets } = parseAddress(address);
  const bytes = new Uint8Array(family === 4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family === 4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  bytes.set(octets, family === 4 ? 4 : 8);
  return bytes;
}

/** A connection under way. `mark` 0: none. */
export class TestSocket implements Disposable {
  readonly #fd: number;
  readonly #stream: boolean;

  constructor(kind: "tcp" | "udp", address: string, port: number, mark = 0) {
    const family = address.includes(":") ? AF_INET6 : AF_INET;
    this.#stream = kind === "tcp";
    this.#fd = must(libc().socket(family, (this.#stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0), "socket");
    if (mark !== 0) setOption(this.#fd, SOL_SOCKET, SO_MARK, mark);
    const to = socketAddress(address, port);
    if (libc().connect(this.#fd, pointer(addressOf(to)), to.length) < 0 && errno() !== EINPROGRESS) must(-1, "connect");
  }

  /** True once the connection stands. */
  get connected(): boolean {
    const error = new Int32Array(1);
    const bytes = new Int32Array([4]);
    must(
      libc().getsockopt(this.#fd, SOL_SOCKET, SO_ERROR, pointer(addressOf(error)), pointer(addressOf(bytes))),
      "SO_ERROR",
    );
    if (error[0] !== 0) throw new Error(`connect: errno ${error[0]}`);
    const peer = new Uint8Array(28);
    const peerBytes = new Int32Array([28]);
    return libc().getpeername(this.#fd, pointer(addressOf(peer)), pointer(addressOf(peerBytes))) === 0;
  }

  send(octets: Uint8Array): void {
    must(libc().send(this.#fd, pointer(addressOf(octets)), octets.length, MSG_NOSIGNAL), "send");
  }

  /** What came, or undefined while nothing has. */
  receive(): string | undefined {
    const octets = new Uint8Array(RECEIVE_MAX_BYTES);
    const bytes = libc().recv(this.#fd, pointer(addressOf(octets)), octets.length, 0);
    return bytes < 0 ? undefined : new TextDecoder().decode(octets.subarray(0, bytes));
  }

  /** Ends a connection by a reset, so that nothing is sent again later. */
  [Symbol.dispose](): void {
    if (this.#stream) setOption(this.#fd, SOL_SOCKET, SO_LINGER, 1, 0);
    libc().close(this.#fd);
  }
}

/** Sends whole packets past an interception, by raw sockets with a mark. */
export class RawSender implements Disposable {
  readonly #socket4: number;
  readonly #socket6: number;

  constructor(mark: number) {
    this.#socket4 = must(libc().socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_RAW), "raw socket");
    this.#socket6 = must(libc().socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_RAW), "raw socket");
    setOption(this.#socket6, IPPROTO_IPV6, IPV6_HDRINCL, 1);
    setOption(this.#socket4, SOL_SOCKET, SO_MARK, mark);
    setOption(this.#socket6, SOL_SOCKET, SO_MARK, mark);
  }

  send(packet: Uint8Array): void {
    const isIpv4 = packet[0]! >> 4 === 4;
    const to = new Uint8Array(isIpv4 ? 16 : 28);
    to[0] = isIpv4 ? AF_INET : AF_INET6;
    to.set(isIpv4 ? packet.subarray(16, 20) : packet.subarray(24, 40), isIpv4 ? 4 : 8);
    const fd = isIpv4 ? this.#socket4 : this.#socket6;
    const octets = packet.slice();
    must(libc().sendto(fd, pointer(addressOf(octets)), octets.length, 0, pointer(addressOf(to)), to.length), "sendto");
  }

  [Symbol.dispose](): void {
    libc().close(this.#socket4);
    libc().close(this.#socket6);
  }
}
