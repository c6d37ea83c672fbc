// Sockets of any system, by its calls and its numbers: everything that does not depend on how they are called.
// Constants that all share: BSD's sys/socket.h, netinet/in.h, netinet/tcp.h.
//
// Of arrays that cross into C only what is never stored to again is handed over, and what C writes is read through its
// address: the compiler does not know that calls read and write memory (see ../sys.ts).
import { cString, pointer, type Pointer } from "@bunnel/ffi";
import { addressOf, EAGAIN, ECONNRESET, readWord } from "../sys.ts";
import type { SocketCalls } from "./calls.ts";
import { Dry, WANT_READ } from "./dry.ts";
import { LoopbackSignal } from "./loopback-signal.ts";
import type { Option, PollNumbers, SocketOptions } from "./numbers.ts";
import type { Outside, PortableSockets, Want } from "./sockets.ts";
import { toSystemAddress } from "./system-address.ts";
import { formatAddress } from "@bunnel/wire";
import { sockaddrOf } from "../socket-address.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const MSG_OOB = 1;
const SHUT_WR = 1;
const IPPROTO_IP = 0;
const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const IPPROTO_ICMPV6 = 58;
const TCP_NODELAY = 1;
/** asm-generic/errno-base.h, asm-generic/errno.h */
const ENODEV = 19;
const EOPNOTSUPP = 95;
/** Of callers: the system's own hop limit. */
const OWN_HOPS = -1;

export class SystemSockets implements PortableSockets {
  readonly polling: PollNumbers;
  readonly #dry = new Dry();
  readonly #signal = new LoopbackSignal(this, addressOf);
  #failure = 0;
  /** For the system to write: `int`. */
  readonly #answered = new Int32Array(2);
  readonly #answeredAt = addressOf(this.#answered);
  /** `int`s that stay as they are, and what a `socklen_t` was made in last. */
  readonly #kept = new Map<number, Int32Array>();
  #size = new Int32Array(1);
  /** {1, 0} of `struct linger`. */
  readonly #linger = Int32Array.of(1, 0);
  readonly #noLinger = Int32Array.of(0, 0);
  readonly #ownHops = new Map<number, number>();

  constructor(
    private readonly numbers: SocketOptions,
    private readonly calls: SocketCalls,
  ) {
    this.polling = numbers.polling;
  }

  prepare(): void {
    // Whoever made the calls has opened the libraries.
  }

  errno(): number {
    return this.#failure;
  }

  refusalOf({ mark, bindTo }: Outside): string | undefined {
    const { platform, outside } = this.numbers;
    if (mark !== undefined && outside.mark === undefined) return `sockets of ${platform} carry no mark`;
    if (bindTo === undefined || outside.deviceName || outside.deviceIndex) return undefined;
    return `sockets of ${platform} cannot be bound to an interface`;
  }

  streamSocket(family: number): number {
    return this.#open(family, SOCK_STREAM, 0);
  }

  datagramSocket(family: number): number {
    return this.#open(family, SOCK_DGRAM, 0);
  }

  echoSocket(family: number): number {
    return this.#open(family, SOCK_DGRAM, family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
  }

  bindTo(fd: number, address: Uint8Array): number {
    const own = toSystemAddress(address, this.numbers);
    return this.#error(this.calls.bind(fd, pointer(addressOf(own)), own.length));
  }

  listenOn(fd: number, backlog: number): number {
    return this.#error(this.calls.listen(fd, backlog));
  }

  acceptFrom(fd: number, peerAt: number, peerBytes: number): number {
    const accepted = this.#checked(this.calls.accept(fd, pointer(peerAt), this.#sizeOf(peerBytes)));
    if (accepted < 0 && this.#failure === EAGAIN) this.#dry.tell(fd, WANT_READ);
    return accepted < 0 ? -1 : this.#setUp(accepted);
  }

  connectTo(fd: number, address: Uint8Array): number {
    const own = toSystemAddress(address, this.numbers);
    return this.#error(this.calls.connect(fd, pointer(addressOf(own)), own.length));
  }

  localAddress(fd: number, into: Uint8Array): number {
    return this.#error(this.calls.getsockname(fd, pointer(addressOf(into)), this.#sizeOf(into.length)));
  }

  setReuse(fd: number): number {
    return this.#set(fd, [this.numbers.SOL_SOCKET, this.numbers.SO_REUSEADDR], 1);
  }

  setFreeBind(fd: number): number {
    const { IP_FREEBIND } = this.numbers;
    return IP_FREEBIND === undefined ? EOPNOTSUPP : this.#set(fd, [IPPROTO_IP, IP_FREEBIND], 1);
  }

  setIpv6Only(fd: number): number {
    return this.#set(fd, [IPPROTO_IPV6, this.numbers.IPV6_V6ONLY], 1);
  }

  setNoDelay(fd: number): number {
    return this.#set(fd, [IPPROTO_TCP, TCP_NODELAY], 1);
  }

  setKeepAlive(fd: number, seconds: number): number {
    const { SOL_SOCKET, SO_KEEPALIVE, TCP_KEEPIDLE } = this.numbers;
    // Where the time cannot be set, it is the system's own.
    this.#set(fd, [IPPROTO_TCP, TCP_KEEPIDLE], seconds);
    return this.#set(fd, [SOL_SOCKET, SO_KEEPALIVE], 1);
  }

  setMark(fd: number, mark: number): number {
    const option = this.numbers.outside.mark;
    return option === undefined ? EOPNOTSUPP : this.#set(fd, option, mark);
  }

  setDevice(fd: number, family: number, name: string): number {
    const { deviceName, deviceIndex, isIpv4IndexBigEndian } = this.numbers.outside;
    if (deviceName !== undefined) {
      const text = cString(name);
      const [level, option] = deviceName;
      return this.#error(this.calls.setsockopt(fd, level, option, pointer(addressOf(text)), text.length));
    }
    if (deviceIndex === undefined) return EOPNOTSUPP;
    const index = this.calls.interfaceIndex(name);
    if (index === 0) return ENODEV;
    const [ipv4, ipv6] = deviceIndex;
    // The option of the other family may be taken, too, and do nothing.
    const refused =
      family === AF_INET
        ? this.#set(fd, ipv4, isIpv4IndexBigEndian === true ? swapped(index) : index)
        : this.#set(fd, ipv6, index);
    return refused === 0 || this.#bindToSource(fd, family, index) ? 0 : refused;
  }

  setHops(fd: number, family: number, hops: number): number {
    const option: Option =
      family === AF_INET ? [IPPROTO_IP, this.numbers.IP_TTL] : [IPPROTO_IPV6, this.numbers.IPV6_UNICAST_HOPS];
    // Not every system takes -1 for its own limit, so that is asked for before it is changed for the first time.
    if (!this.#ownHops.has(family)) this.#ownHops.set(family, this.#get(fd, option) ?? OWN_HOPS);
    return this.#set(fd, option, hops === OWN_HOPS ? (this.#ownHops.get(family) ?? hops) : hops);
  }

  setAbort(fd: number, aborts: boolean): void {
    const { SOL_SOCKET, SO_LINGER } = this.numbers;
    const linger = aborts ? this.#linger : this.#noLinger;
    this.calls.setsockopt(fd, SOL_SOCKET, SO_LINGER, pointer(addressOf(linger)), linger.byteLength);
  }

  takeError(fd: number): number {
    const found = this.#get(fd, [this.numbers.SOL_SOCKET, this.numbers.SO_ERROR]);
    return found === undefined ? this.#failure : this.#canonical(found);
  }

  /** No system but Linux says it. With TCP_NODELAY and an empty window, as a first message has it, nothing waits. */
  unsentBytes(): number {
    return -1;
  }

  receive(fd: number, at: number, bytes: number): number {
    const got = this.#checked(this.calls.recv(fd, pointer(at), bytes, 0));
    this.#dry.read(fd, got, bytes);
    return got === 0 ? this.#ending(fd) : got;
  }

  send(fd: number, at: number, bytes: number): number {
    const took = this.#checked(this.calls.send(fd, pointer(at), bytes, this.numbers.MSG_NOSIGNAL));
    this.#dry.wrote(fd, took, bytes);
    return took;
  }

  sendUrgent(fd: number, at: number, bytes: number): number {
    const took = this.#checked(this.calls.send(fd, pointer(at), bytes, this.numbers.MSG_NOSIGNAL | MSG_OOB));
    this.#dry.wrote(fd, took, bytes);
    return took;
  }

  receiveFrom(fd: number, at: number, bytes: number, peerAt: number, peerBytes: number): number {
    const size = this.#sizeOf(peerBytes);
    const got = this.#checked(this.calls.recvfrom(fd, pointer(at), bytes, 0, pointer(peerAt), size));
    if (got < 0) this.#dry.tell(fd, WANT_READ);
    return got;
  }

  sendTo(fd: number, at: number, bytes: number, peer: Uint8Array): number {
    const to = toSystemAddress(peer, this.numbers);
    const { MSG_NOSIGNAL } = this.numbers;
    const peerAt = pointer(addressOf(to));
    return this.#checked(this.calls.sendto(fd, pointer(at), bytes, MSG_NOSIGNAL, peerAt, to.length));
  }

  shutdownWrite(fd: number): void {
    this.calls.shutdown(fd, SHUT_WR);
  }

  closeFile(fd: number): void {
    this.calls.close(fd);
  }

  openSignal(): number {
    return this.#signal.open();
  }

  raiseSignal(fd: number): void {
    this.#signal.raise(fd);
  }

  clearSignal(fd: number): void {
    this.#signal.clear(fd);
  }

  raiseFileLimit(wanted: number): number {
    return this.calls.raiseFileLimit(wanted);
  }

  poll(at: number, count: number, timeoutMs: number): number {
    return this.#checked(this.calls.poll(pointer(at), count, timeoutMs));
  }

  onDry(told: (fd: number, want: Want) => void): () => void {
    return this.#dry.add(told);
  }

  /** Where the option is refused: what has the interface's own address leaves by it, on systems that say so. */
  #bindToSource(fd: number, family: number, index: number): boolean {
    const own = family === AF_INET ? AF_INET : this.numbers.AF_INET6;
    const address = this.calls.sourceOf?.(index, own);
    return address !== undefined && this.bindTo(fd, sockaddrOf({ address: formatAddress(address), port: 0 })) === 0;
  }

  /** An end at a socket that poll tells an error of was an RST, which Wine says there alone. 0, or -1. */
  #ending(fd: number): number {
    const { entryBytes, POLLERR } = this.polling;
    const words = new Int32Array(new SharedArrayBuffer(entryBytes));
    const eventsAt = entryBytes === 8 ? 1 : 2;
    Atomics.store(words, 0, fd);
    this.calls.poll(pointer(addressOf(words)), 1, 0);
    if (((Atomics.load(words, eventsAt) >>> 16) & POLLERR) === 0) return 0;
    this.#failure = ECONNRESET;
    return -1;
  }

  #open(family: number, type: number, protocol: number): number {
    const own = family === AF_INET ? AF_INET : this.numbers.AF_INET6;
    const fd = this.#checked(this.calls.socket(own, type, protocol));
    return fd < 0 ? -1 : this.#setUp(fd);
  }

  /** Does not block, does not outlive the program, kills nobody by SIGPIPE. The descriptor, or -1. */
  #setUp(fd: number): number {
    const { SO_NOSIGPIPE, SOL_SOCKET } = this.numbers;
    const isSet = this.calls.setUp(fd);
    if (isSet && (SO_NOSIGPIPE === undefined || this.#set(fd, [SOL_SOCKET, SO_NOSIGPIPE], 1) === 0)) return fd;
    this.#failure = EOPNOTSUPP;
    this.calls.close(fd);
    return -1;
  }

  #set(fd: number, [level, option]: Option, value: number): number {
    return this.#error(this.calls.setsockopt(fd, level, option, this.#intAt(value), 4));
  }

  #get(fd: number, [level, option]: Option): number | undefined {
    const result = this.calls.getsockopt(fd, level, option, pointer(this.#answeredAt), this.#sizeOf(4));
    if (this.#checked(result) < 0) return undefined;
    return readWord(addressOf(this.#answered), 0) | 0;
  }

  /** 0, or the errno. */
  #error(result: number): number {
    return this.#checked(result) < 0 ? this.#failure : 0;
  }

  #checked(result: number): number {
    if (result < 0) this.#failure = this.#canonical(this.calls.errno());
    return result;
  }

  #canonical(error: number): number {
    return this.numbers.errors[error] ?? error;
  }

  #intAt(value: number): Pointer {
    const known = this.#kept.get(value) ?? Int32Array.of(value);
    this.#kept.set(value, known);
    return pointer(addressOf(known));
  }

  #sizeOf(bytes: number): Pointer {
    this.#size = Int32Array.of(bytes);
    return pointer(addressOf(this.#size));
  }
}

function swapped(word: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, word);
  return view.getInt32(0, true);
}
