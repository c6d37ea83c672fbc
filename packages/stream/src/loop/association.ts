// A SOCKS client's datagrams (RFC 1928 section 7): a socket that it sends them to, as long as its connection is there.
import type { DatagramSessions } from "../datagrams/sessions.ts";
import { readSocksDatagram, socksDatagram } from "../proxy/socks5.ts";
import type { SocketAddress } from "../relay-options.ts";
import { familyOf, isAddress, readSockaddr, sockaddrOf, SOCKADDR_MAX_BYTES } from "../socket-address.ts";
import { bindTo, closeFile, datagramSocket, errno, localAddress, receiveFrom, sendTo } from "../sockets/current.ts";
import { addressOf, EINTR } from "../sys.ts";
import type { Poller, Watcher } from "./poller.ts";

/** What an association needs of the loop. */
export interface AssociationHost {
  readonly poller: Poller;
  readonly sessions: DatagramSessions;
  askName(name: string, answer: (addresses: readonly string[]) => void): void;
  /** Something came, or went. */
  touched(): void;
}

const DATAGRAM_MAX_BYTES = 65_535;
const BURST_MAX = 64;
/** Names that are asked for at a time; further datagrams for names are dropped, as datagrams may be. */
const ASKED_MAX = 64;

export class Association implements Watcher, Disposable {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(DATAGRAM_MAX_BYTES);
  readonly #peer = new Uint8Array(SOCKADDR_MAX_BYTES);
  #client: SocketAddress | undefined;
  #asked = 0;
  #isOpen = true;

  private constructor(
    fd: number,
    readonly address: SocketAddress,
    private readonly owner: SocketAddress,
    private readonly host: AssociationHost,
  ) {
    this.#fd = fd;
    host.poller.add(fd, this);
  }

  /** Listens at the address that its owner's connection came to; undefined: there is no descriptor for it. */
  static open(at: string, owner: SocketAddress, host: AssociationHost): Association | undefined {
    const fd = datagramSocket(familyOf(at));
    if (fd < 0) return undefined;
    const bound = new Uint8Array(SOCKADDR_MAX_BYTES);
    if (bindTo(fd, sockaddrOf({ address: at, port: 0 })) === 0 && localAddress(fd, bound) === 0) {
      return new Association(fd, readSockaddr(bound), owner, host);
    }
    closeFile(fd);
    return undefined;
  }

  /** The client's address, once it has sent something. */
  get client(): SocketAddress | undefined {
    return this.#client;
  }

  ready(): void {
    const at = addressOf(this.#buffer);
    for (let count = 0; count < BURST_MAX; count += 1) {
      const bytes = receiveFrom(this.#fd, at, DATAGRAM_MAX_BYTES, addressOf(this.#peer), SOCKADDR_MAX_BYTES);
      if (bytes >= 0) this.#take(bytes);
      else if (errno() !== EINTR) return;
    }
    this.host.poller.remove(this.#fd);
    this.host.poller.add(this.#fd, this);
  }

  /** An answer for the client. */
  answer(from: SocketAddress, payload: Uint8Array): void {
    if (this.#client === undefined) return;
    const datagram = socksDatagram(from, payload);
    sendTo(this.#fd, addressOf(datagram), datagram.length, sockaddrOf(this.#client));
    this.host.touched();
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
    if (this.#client !== undefined) this.host.sessions.forget(this.#client);
    this.host.poller.remove(this.#fd);
    closeFile(this.#fd);
  }

  /** Only the machine that has the connection may send, and only from the first port that it sent from. */
  #take(bytes: number): void {
    const from = readSockaddr(this.#peer);
    if (from.address !== this.owner.address) return;
    this.#client ??= from;
    if (from.port !== this.#client.port) return;
    const datagram = readSocksDatagram(this.#buffer.slice(0, bytes));
    if (datagram === undefined) return;
    this.host.touched();
    const { host, port, payload } = datagram;
    if (isAddress(host)) return this.#send({ address: host, port }, payload);
    if (this.#asked >= ASKED_MAX) return;
    this.#asked += 1;
    this.host.askName(host, ([address]) => {
      this.#asked -= 1;
      if (address !== undefined) this.#send({ address, port }, payload);
    });
  }

  #send(to: SocketAddress, payload: Uint8Array): void {
    if (this.#isOpen && this.#client !== undefined) this.host.sessions.send(this.#client, to, payload);
  }
}
