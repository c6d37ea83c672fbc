// Echo requests of clients, sent on by one raw socket of each family under numbers of our own; replies and errors find
// their client by them, and bear its number again.
import type { SocketAddress } from "../relay-options.ts";
import { readSockaddr, sockaddrOf, SOCKADDR_MAX_BYTES } from "../socket-address.ts";
import { addressOf, AF_INET, EAGAIN, EINTR, EPOLLERR, errno, receiveFrom, sendTo, setHops } from "../sys.ts";
import type { Poller, Watcher } from "../loop/poller.ts";
import type { CarryCounters } from "./carry-counters.ts";
import type { ClientPacket } from "./client-packet.ts";
import { nextError, type DatagramError } from "./error-queue.ts";
import { EMSGSIZE, setDontFragment, setService } from "./sys.ts";
import { icmpPacket, toldError } from "./told-errors.ts";
import { internetChecksum, ipPacket } from "@bunnel/wire";

/** RFC 792, RFC 4443 section 4: type, code, checksum, identifier, sequence number. */
const ECHO_HEADER_BYTES = 8;
const IDENTIFIER_AT = 4;
const MESSAGE_MAX_BYTES = 65_535;
const BURST_MAX = 64;
const NUMBERS = 0x10000;
const IPV6_HEADER_BYTES = 40;
const FRAGMENT_HEADER = 44;

/** Who pings whom. */
interface Asker {
  readonly client: string;
  readonly identifier: number;
  readonly to: string;
  readonly key: string;
  lastMs: number;
}

/** What it needs of its loop. */
export interface EchoHost {
  readonly poller: Poller;
  readonly counters: CarryCounters;
  /** Sends a whole packet to a client. */
  deliver(packet: Uint8Array, client: string): void;
}

/** Carries echo requests of one family. */
export class EchoCarrier implements Watcher {
  readonly #byNumber = new Map<number, Asker>();
  readonly #byKey = new Map<string, number>();
  readonly #buffer = new Uint8Array(MESSAGE_MAX_BYTES);
  readonly #bufferAt = addressOf(this.#buffer);
  readonly #peer = new Uint8Array(SOCKADDR_MAX_BYTES);
  readonly #peerAt = addressOf(this.#peer);
  #next = Math.floor(Math.random() * NUMBERS);
  #hops = -1;
  #tos = -1;
  #dontFragment: boolean | undefined;

  /** @param fd of `icmpSocket`; -1: the family is not carried */
  constructor(
    private readonly fd: number,
    private readonly family: number,
    private readonly limits: () => { readonly sessionsMax: number; readonly idleMs: number },
    private readonly host: EchoHost,
  ) {
    if (fd >= 0) host.poller.add(fd, this);
  }

  /** Sends an echo request on; `body` is the whole ICMP message. */
  send(packet: ClientPacket, nowMs: number): void {
    if (this.fd < 0 || packet.body.length < ECHO_HEADER_BYTES) return;
    const message = packet.body.slice();
    const view = new DataView(message.buffer);
    const asker = { client: packet.source, identifier: view.getUint16(IDENTIFIER_AT), to: packet.destination };
    const number = this.#numberOf(asker, nowMs);
    view.setUint16(IDENTIFIER_AT, number);
    view.setUint16(2, 0);
    // The system sums ICMPv6 itself (RFC 3542 section 3.1).
    if (this.family === AF_INET) view.setUint16(2, internetChecksum(message));
    this.#setHeader(packet);
    const to = sockaddrOf({ address: packet.destination, port: 0 });
    let isSent = sendTo(this.fd, addressOf(message), message.length, to) >= 0;
    if (!isSent) isSent = this.#again(message, to, packet);
    this.host.counters.add(isSent ? "echoesSent" : "refused");
  }

  /** Forgets who has not asked for too long. */
  sweep(nowMs: number): void {
    const { idleMs } = this.limits();
    for (const [number, asker] of this.#byNumber) {
      if (nowMs - asker.lastMs < idleMs) return;
      this.#forget(number, asker);
    }
  }

  ready(events: number): void {
    if ((events & EPOLLERR) !== 0) this.#tellErrors();
    for (let count = 0; count < BURST_MAX; count += 1) {
      const bytes = receiveFrom(this.fd, this.#bufferAt, MESSAGE_MAX_BYTES, this.#peerAt, SOCKADDR_MAX_BYTES);
      if (bytes >= 0) this.#take(this.#buffer.slice(0, bytes));
      else if (errno() === EAGAIN) return;
      else if (errno() !== EINTR) this.#tellErrors();
    }
    // The rest comes when the loop comes round again.
    this.host.poller.remove(this.fd);
    this.host.poller.add(this.fd, this);
  }

  /** A reply; of IPv4 with its IP header. */
  #take(octets: Uint8Array): void {
    const from = readSockaddr(this.#peer).address;
    const message = this.family === AF_INET ? octets.subarray(((octets[0] ?? 0) & 15) * 4) : octets;
    if (message.length < ECHO_HEADER_BYTES) return;
    const number = ((message[IDENTIFIER_AT] ?? 0) << 8) | (message[IDENTIFIER_AT + 1] ?? 0);
    const asker = this.#byNumber.get(number);
    // Others on this machine ping, too.
    if (asker === undefined || asker.to !== from) return;
    const reply = message.slice();
    new DataView(reply.buffer).setUint16(IDENTIFIER_AT, asker.identifier);
    this.host.counters.add("echoesReceived");
    this.host.deliver(icmpPacket(from, asker.client, reply), asker.client);
  }

  #again(message: Uint8Array, to: Uint8Array, packet: ClientPacket): boolean {
    const error = errno();
    const told = this.#tellErrors();
    if (told > 0 && error !== EMSGSIZE) return sendTo(this.fd, addressOf(message), message.length, to) >= 0;
    if (told > 0 || error === EAGAIN) return false;
    const peer: SocketAddress = { address: packet.destination, port: 0 };
    this.#tell({ to: peer, from: undefined, errno: error, type: 0, code: 0, info: 0, payload: message });
    return false;
  }

  #tellErrors(): number {
    for (let count = 0; count < BURST_MAX; count += 1) {
      const error = nextError(this.fd);
      if (error === undefined) return count;
      this.#tell(error);
    }
    return BURST_MAX;
  }

  #tell(error: DatagramError): void {
    const message = messageOf(error.payload).slice();
    if (message.length < ECHO_HEADER_BYTES) return;
    const asker = this.#byNumber.get(new DataView(message.buffer).getUint16(IDENTIFIER_AT));
    if (asker === undefined || asker.to !== error.to.address) return;
    new DataView(message.buffer).setUint16(IDENTIFIER_AT, asker.identifier);
    const { client, to } = asker;
    const protocol = this.family === AF_INET ? 1 : 58;
    const quoted = ipPacket({ source: client, destination: to, protocol, payload: message });
    const packet = toldError(error, quoted, client);
    if (packet === undefined) return;
    this.host.counters.add("errorsTold");
    this.host.deliver(packet, client);
  }

  #setHeader({ hops, tos, dontFragment }: ClientPacket): void {
    if (hops !== this.#hops) setHops(this.fd, this.family, hops);
    if (tos !== this.#tos) setService(this.fd, this.family, tos);
    if (dontFragment !== this.#dontFragment) setDontFragment(this.fd, this.family, dontFragment);
    this.#hops = hops;
    this.#tos = tos;
    this.#dontFragment = dontFragment;
  }

  #numberOf({ client, identifier, to }: Omit<Asker, "key" | "lastMs">, nowMs: number): number {
    const key = `${client} ${identifier} ${to}`;
    const known = this.#byKey.get(key);
    const asker = known === undefined ? undefined : this.#byNumber.get(known);
    if (known !== undefined && asker !== undefined) {
      asker.lastMs = nowMs;
      // The map keeps the order of the last request.
      this.#byNumber.delete(known);
      this.#byNumber.set(known, asker);
      return known;
    }
    this.sweep(nowMs);
    const most = Math.min(this.limits().sessionsMax, NUMBERS / 2);
    const [oldest] = this.#byNumber;
    if (oldest !== undefined && this.#byNumber.size >= most) {
      this.host.counters.add("echoesEvicted");
      this.#forget(...oldest);
    }
    while (this.#byNumber.has(this.#next)) this.#next = (this.#next + 1) % NUMBERS;
    const number = this.#next;
    this.#next = (number + 1) % NUMBERS;
    this.#byNumber.set(number, { client, identifier, to, key, lastMs: nowMs });
    this.#byKey.set(key, number);
    return number;
  }

  #forget(number: number, { key }: Asker): void {
    this.#byNumber.delete(number);
    this.#byKey.delete(key);
  }
}

/** What is quoted begins with the IP header or behind it, as raw(7) and its sibling of IPv6 have it. */
function messageOf(quoted: Uint8Array): Uint8Array {
  const version = (quoted[0] ?? 0) >> 4;
  if (version === 4) return quoted.subarray(((quoted[0] ?? 0) & 15) * 4);
  if (version !== 6) return quoted;
  return quoted.subarray(quoted[6] === FRAGMENT_HEADER ? IPV6_HEADER_BYTES + 8 : IPV6_HEADER_BYTES);
}
