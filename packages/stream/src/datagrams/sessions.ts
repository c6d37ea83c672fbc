// Datagrams of other programs, sent and received by sockets of our own: one socket for each of their sockets, whatever
// it sends to. Answers are taken from whom it has sent to, and from nobody else.
import { StreamError } from "../errors.ts";
import { boundAddress, setOutside, type OutsideOptions } from "../loop/outside.ts";
import { Poller, type Watcher } from "../loop/poller.ts";
import type { SocketAddress } from "../relay-options.ts";
import { familyOf, readSockaddr, sockaddrOf, SOCKADDR_MAX_BYTES } from "../socket-address.ts";
import {
  closeFile,
  datagramSocket,
  echoSocket,
  errno,
  prepare,
  receiveFrom,
  sendTo,
  setHops,
} from "../sockets/current.ts";
import { addressOf, AF_INET, AF_INET6, EAGAIN, EINTR, EPOLLERR } from "../sys.ts";
import { nextError, type DatagramError } from "./error-queue.ts";
import { EMSGSIZE, setDontFragment, setService } from "./sys.ts";

/** How sessions are kept. */
export interface DatagramOptions extends OutsideOptions {
  /** "udp"; "echo": ICMP echo by ping sockets (icmp(7)), for groups within net.ipv4.ping_group_range. */
  readonly protocol: "udp" | "echo";
  /** Sockets at a time. Beyond it the one that was silent longest is closed. */
  readonly sessionsMax: number;
  /** A socket that was silent for so long is closed. */
  readonly idleMs: number;
  /** Called with each answer. Its octets are good until it returns. */
  readonly answer: (client: SocketAddress, from: SocketAddress, payload: Uint8Array) => void;
  /** Called with each ICMP error about a datagram. Without it, nobody hears of them. */
  readonly failed?: (client: SocketAddress, error: DatagramError) => void;
  /** Keeps the ports of its sockets, for `owns`. Default false. */
  readonly keepsPorts?: boolean;
  /** Takes a socket of a family that is set already; -1: there is none. Without it, sockets are opened and set here. */
  readonly takeSocket?: (family: number) => number;
}

/** What the header of a datagram shall have; what is left out is the system's own. */
export interface DatagramHeader {
  readonly hops: number;
  readonly tos: number;
  /** Whether what is too big is refused, which `failed` tells; otherwise it is cut. */
  readonly dontFragment: boolean;
}

/** What was counted since they were opened. */
export interface DatagramStats {
  readonly open: number;
  readonly sent: number;
  readonly received: number;
  /** The system would not send, or had no room. */
  readonly refused: number;
  /** From somebody who was never sent to. */
  readonly strange: number;
  /** Closed for room. */
  readonly evicted: number;
}

interface Session {
  readonly client: SocketAddress;
  readonly fd: number;
  readonly family: number;
  readonly key: string;
  /** Whom it has sent to, as `address:port`. */
  readonly peers: Set<string>;
  lastMs: number;
  /** Of the socket, once it has sent and where that is asked for. */
  port: number | undefined;
  /** As it was set last. */
  header: DatagramHeader | undefined;
}

/** Octets of the largest datagram that UDP has (RFC 768). */
const DATAGRAM_MAX_BYTES = 65_535;
/** Of one socket at a time, before others have their turn. */
const BURST_MAX = 64;
/** Of one session: then the first ones are forgotten. */
const PEERS_MAX = 1024;
/** RFC 792, RFC 4443 section 4.1: type, code, checksum, identifier, sequence number. */
const ECHO_HEADER_BYTES = 8;
const IDENTIFIER_AT = 4;
const ECHO_REPLY = 0;
const ECHO_REPLY_6 = 129;

export class DatagramSessions implements Disposable, Watcher {
  readonly #sessions = new Map<string, Session>();
  readonly #byFd = new Map<number, Session>();
  readonly #ports = new Set<string>();
  readonly #poller: Poller;
  readonly #buffer = new Uint8Array(DATAGRAM_MAX_BYTES);
  readonly #bufferAt = addressOf(this.#buffer);
  readonly #peer = new Uint8Array(SOCKADDR_MAX_BYTES);
  readonly #peerAt = addressOf(this.#peer);
  readonly #counts = { sent: 0, received: 0, refused: 0, strange: 0, evicted: 0 };

  /**
   * @param poller whose loop reads the answers; without it `poll` does
   * @throws StreamError E_STREAM_UNSUPPORTED on other systems than Linux, unless there is a poller
   */
  constructor(
    private readonly options: DatagramOptions,
    private readonly poller?: Poller,
  ) {
    if (process.platform !== "linux" && poller === undefined) {
      throw new StreamError("E_STREAM_UNSUPPORTED", `datagrams: expected Linux, found ${process.platform}`);
    }
    prepare();
    this.#limits = options;
    this.#outside = { mark: options.mark, bindTo: options.bindTo };
    this.#poller = poller ?? new Poller();
  }

  #limits: Pick<DatagramOptions, "sessionsMax" | "idleMs">;
  #outside: OutsideOptions;

  /** Readable when an answer waits: for a loop of the caller's own. */
  get descriptor(): number {
    return this.#poller.descriptor;
  }

  get stats(): DatagramStats {
    return { open: this.#sessions.size, ...this.#counts };
  }

  /**
   * Sends for a client. Of "echo" the payload is the whole ICMP message, and the client's port its identifier, which
   * answers have again; checksums are the system's. False: it could not be sent, as datagrams sometimes cannot.
   * @throws WireError when an address is none
   */
  send(client: SocketAddress, to: SocketAddress, payload: Uint8Array, header?: DatagramHeader): boolean {
    const session = this.#sessionOf(client, to);
    if (session === undefined) return false;
    if (header !== undefined) setHeader(session, session.family, header);
    const peer = textOf(this.options.protocol === "echo" ? { ...to, port: 0 } : to);
    remember(session.peers, peer);
    // Nothing has no address.
    const at = payload.length === 0 ? this.#bufferAt : addressOf(payload);
    const sockaddr = sockaddrOf(to);
    let isSent = sendTo(session.fd, at, payload.length, sockaddr) >= 0;
    if (!isSent && this.options.failed !== undefined) {
      const error = errno();
      // What an earlier datagram met is told by the next call, too: this one was not tried then.
      const told = this.#tellErrors(session);
      if (told > 0 && error !== EMSGSIZE) isSent = sendTo(session.fd, at, payload.length, sockaddr) >= 0;
      else if (told === 0 && error !== EAGAIN) this.options.failed(client, ownError(to, error, payload));
    }
    if (isSent && this.options.keepsPorts === true) this.#keepPort(session);
    this.#counts[isSent ? "sent" : "refused"] += 1;
    return isSent;
  }

  /** Whether one of the sockets has this port: what comes from there has gone round. Only with `keepsPorts`. */
  owns(port: number, family: number): boolean {
    return this.#ports.has(portKey(port, family));
  }

  /** Whether the client has a socket of the family. */
  has(client: SocketAddress, family: number): boolean {
    return this.#sessions.has(keyOf(client, family));
  }

  /** Other limits from now on. */
  limit(limits: Pick<DatagramOptions, "sessionsMax" | "idleMs">): void {
    this.#limits = limits;
    while (this.#sessions.size > limits.sessionsMax) this.#evict();
  }

  /** Another interface from now on. Sockets of the one before are closed: their answers would not find them. */
  bind(bindTo: string): void {
    this.#outside = { ...this.#outside, bindTo };
    for (const session of this.#sessions.values()) this.#close(session);
  }

  /** Reads what has come, without waiting, and closes sockets that are idle. Call it when `descriptor` is readable. */
  poll(): void {
    if (this.poller === undefined) this.#poller.wait(0);
    this.sweep();
  }

  /** Closes sockets that were silent for too long. */
  sweep(): void {
    const nowMs = performance.now();
    for (const session of this.#sessions.values()) {
      // In the order of their last datagram: the first that is not idle is followed by none that is.
      if (nowMs - session.lastMs < this.#limits.idleMs) return;
      this.#close(session);
    }
  }

  /** Closes the sockets of one client. */
  forget(client: SocketAddress): void {
    for (const family of [AF_INET, AF_INET6]) {
      const session = this.#sessions.get(keyOf(client, family));
      if (session !== undefined) this.#close(session);
    }
  }

  ready(events: number, fd: number): void {
    const session = this.#byFd.get(fd);
    if (session === undefined) return;
    if ((events & EPOLLERR) !== 0 && this.options.failed !== undefined) this.#tellErrors(session);
    for (let count = 0; count < BURST_MAX; count += 1) {
      const bytes = receiveFrom(fd, this.#bufferAt, DATAGRAM_MAX_BYTES, this.#peerAt, SOCKADDR_MAX_BYTES);
      if (bytes < 0) {
        const error = errno();
        // An ICMP error of an earlier datagram is told once, and then there may be more to read.
        if (error === EAGAIN) return;
        if (error !== EINTR) this.#counts.refused += 1;
        continue;
      }
      this.#take(session, bytes);
    }
    // The rest comes when the loop comes round again.
    this.#poller.remove(fd);
    this.#poller.add(fd, this);
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions.values()) this.#close(session);
    if (this.poller === undefined) this.#poller[Symbol.dispose]();
  }

  #take(session: Session, bytes: number): void {
    const from = readSockaddr(this.#peer);
    const isEcho = this.options.protocol === "echo";
    // A ping socket's own addresses have its identifier for a port.
    const known = isEcho ? { ...from, port: 0 } : from;
    if (!session.peers.has(textOf(known))) {
      this.#counts.strange += 1;
      return;
    }
    // A copy: the compiler does not know that a system call has written to the buffer.
    const octets = this.#buffer.slice(0, bytes);
    const payload = isEcho ? echoReply(octets, session.client.port) : octets;
    if (payload === undefined) return;
    this.#touch(session);
    this.#counts.received += 1;
    this.options.answer(session.client, known, payload);
  }

  #sessionOf(client: SocketAddress, to: SocketAddress): Session | undefined {
    const family = familyOf(to.address);
    const key = keyOf(client, family);
    const known = this.#sessions.get(key);
    if (known !== undefined) {
      this.#touch(known);
      return known;
    }
    this.sweep();
    if (this.#sessions.size >= this.#limits.sessionsMax) this.#evict();
    const fd = this.options.takeSocket?.(family) ?? this.#openSocket(family);
    if (fd < 0) {
      this.#counts.refused += 1;
      return undefined;
    }
    const session: Session = {
      client,
      fd,
      family,
      key,
      peers: new Set(),
      lastMs: performance.now(),
      port: undefined,
      header: undefined,
    };
    this.#sessions.set(key, session);
    this.#byFd.set(fd, session);
    this.#poller.add(fd, this);
    return session;
  }

  #keepPort(session: Session): void {
    if (session.port !== undefined) return;
    session.port = boundAddress(session.fd, session.family).port;
    this.#ports.add(portKey(session.port, session.family));
  }

  /** A socket that is set, or -1. */
  #openSocket(family: number): number {
    const fd = this.options.protocol === "udp" ? datagramSocket(family) : echoSocket(family);
    if (fd < 0 || setOutside(fd, family, this.#outside, "datagram") === 0) return fd;
    closeFile(fd);
    return -1;
  }

  /** Tells the errors that wait at a socket; how many. */
  #tellErrors({ fd, client }: Session): number {
    for (let count = 0; count < BURST_MAX; count += 1) {
      const error = nextError(fd);
      if (error === undefined) return count;
      this.options.failed?.(client, error);
    }
    return BURST_MAX;
  }

  /** The map keeps the order of the last datagram. */
  #touch(session: Session): void {
    session.lastMs = performance.now();
    this.#sessions.delete(session.key);
    this.#sessions.set(session.key, session);
  }

  #evict(): void {
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return;
    this.#counts.evicted += 1;
    this.#close(oldest);
  }

  #close(session: Session): void {
    this.#sessions.delete(session.key);
    this.#byFd.delete(session.fd);
    if (session.port !== undefined) this.#ports.delete(portKey(session.port, session.family));
    this.#poller.remove(session.fd);
    closeFile(session.fd);
  }
}

function remember(peers: Set<string>, peer: string): void {
  if (peers.size >= PEERS_MAX && !peers.has(peer)) {
    const [first] = peers;
    if (first !== undefined) peers.delete(first);
  }
  peers.add(peer);
}

/** The reply with the client's identifier; undefined: it is none, or somebody else's. */
function echoReply(octets: Uint8Array, identifier: number): Uint8Array | undefined {
  // macOS puts the IPv4 header before it, leaves the identifier, and tells every socket (bsd/netinet/raw_ip.c).
  const hasHeader = (octets[0] ?? 0) >> 4 === 4;
  const message = hasHeader ? octets.slice(((octets[0] ?? 0) & 15) * 4) : octets;
  if (message.length < ECHO_HEADER_BYTES || (message[0] !== ECHO_REPLY && message[0] !== ECHO_REPLY_6))
    return undefined;
  const own = ((message[IDENTIFIER_AT] ?? 0) << 8) | (message[IDENTIFIER_AT + 1] ?? 0);
  if (hasHeader && own !== identifier) return undefined;
  // Linux has an identifier of its own for each socket.
  message[IDENTIFIER_AT] = identifier >> 8;
  message[IDENTIFIER_AT + 1] = identifier & 0xff;
  return message;
}

function portKey(port: number, family: number): string {
  return `${family === AF_INET ? "4" : "6"} ${port}`;
}

function keyOf(client: SocketAddress, family: number): string {
  return `${family === AF_INET ? "4" : "6"} ${textOf(client)}`;
}

/** An error of this machine's own. */
function ownError(to: SocketAddress, error: number, payload: Uint8Array): DatagramError {
  return { to, from: undefined, errno: error, type: 0, code: 0, info: 0, payload };
}

/** Sets what has changed since the last datagram. */
function setHeader(session: Session, family: number, header: DatagramHeader): void {
  const { fd, header: before } = session;
  if (before?.hops !== header.hops) setHops(fd, family, header.hops);
  if (before?.tos !== header.tos) setService(fd, family, header.tos);
  if (before?.dontFragment !== header.dontFragment) setDontFragment(fd, family, header.dontFragment);
  session.header = header;
}

function textOf({ address, port }: SocketAddress): string {
  return `${address} ${port}`;
}
