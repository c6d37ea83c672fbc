// The thread that carries datagrams and echo requests of clients on:
//   1. packets come in records; fragments are put together
//   2. a datagram goes by the socket of its sender, an echo request by the family's raw socket
//   3. answers and errors come back as whole packets, from where they came, to the client
import { receiveMessageOnPort } from "node:worker_threads";
import { ipPacket, udpPacket } from "@bunnel/wire";
import { Poller } from "../loop/poller.ts";
import type { SocketAddress } from "../relay-options.ts";
import { sockaddrOf } from "../socket-address.ts";
import { addressOf, AF_INET, AF_INET6, clearSignal, closeFile, prepare, sendTo } from "../sys.ts";
import { CarryCounters } from "./carry-counters.ts";
import type { CarryLimits, CarryStart, FromCarry, ToCarry } from "./carry-protocol.ts";
import { endsOf, readClientPacket, UDP_HEADER_BYTES, type ClientPacket } from "./client-packet.ts";
import { EchoCarrier } from "./echo-carrier.ts";
import type { DatagramError } from "./error-queue.ts";
import { readRecords } from "./records.ts";
import { Reassembly } from "./reassembly.ts";
import { DatagramSessions } from "./sessions.ts";
import { SocketStock } from "./socket-stock.ts";
import { toldError } from "./told-errors.ts";

const PROTOCOL_UDP = 17;
const SWEEP_MS = 1000;
/** Datagrams of clients that have no socket yet. */
const WAITING_MAX = 4096;

/** A datagram that waits for a socket. */
interface Waiting {
  readonly packet: ClientPacket;
  readonly segmentBytes: number;
}

export class CarryLoop {
  readonly poller = new Poller();
  readonly counters: CarryCounters;
  readonly #sessions: DatagramSessions;
  readonly #echo: Readonly<Record<4 | 6, EchoCarrier>>;
  readonly #stock: Readonly<Record<4 | 6, SocketStock>>;
  readonly #fragments = new Reassembly();
  readonly #waiting: Waiting[] = [];
  #limits: CarryLimits;
  #sweptMs = 0;
  #isOpen = true;

  constructor(
    private readonly start: CarryStart,
    say: (message: FromCarry) => void,
  ) {
    prepare();
    this.counters = new CarryCounters(start.counters);
    this.#limits = start.limits;
    const limits = (): CarryLimits => this.#limits;
    this.#echo = {
      4: new EchoCarrier(start.ipv4.echo, AF_INET, limits, this),
      6: new EchoCarrier(start.ipv6.echo, AF_INET6, limits, this),
    };
    const stockOf = (family: number) => new SocketStock((count) => say({ say: "want", family, count }));
    this.#stock = { 4: stockOf(AF_INET), 6: stockOf(AF_INET6) };
    this.#sessions = new DatagramSessions(
      {
        protocol: "udp",
        ...start.limits,
        answer: (client, from, payload) => this.#answer(client, from, payload),
        failed: (client, error) => this.#tell(client, error),
        takeSocket: (family) => this.#stock[family === AF_INET ? 4 : 6].take(),
      },
      this.poller,
    );
  }

  /** Carries on until it is told to close. */
  run(): void {
    const { signal, ipv4, ipv6 } = this.start;
    this.poller.add(signal, { ready: () => this.#listen() });
    this.#listen();
    while (this.#isOpen) {
      this.poller.wait(SWEEP_MS);
      this.#sweep(performance.now());
      this.#count();
    }
    this.#sessions[Symbol.dispose]();
    for (const stock of Object.values(this.#stock)) stock[Symbol.dispose]();
    this.poller[Symbol.dispose]();
    for (const fd of [signal, ipv4.packets, ipv4.echo, ipv6.packets, ipv6.echo]) if (fd >= 0) closeFile(fd);
  }

  deliver(packet: Uint8Array, client: string): void {
    const fd = client.includes(":") ? this.start.ipv6.packets : this.start.ipv4.packets;
    const to = sockaddrOf({ address: client, port: 0 });
    if (fd < 0 || sendTo(fd, addressOf(packet), packet.length, to) < 0) this.counters.add("refused");
  }

  /** What the other thread has said. */
  #listen(): void {
    clearSignal(this.start.signal);
    for (;;) {
      const received: { readonly message: ToCarry } | undefined = receiveMessageOnPort(this.start.port);
      if (received === undefined) return;
      this.#hear(received.message);
    }
  }

  #hear(message: ToCarry): void {
    switch (message.say) {
      case "packets":
        for (const { packet, segmentBytes } of readRecords(message.records)) this.#take(packet, segmentBytes);
        this.counters.take(message.records.length);
        return;
      case "sockets":
        this.#stock[message.family === AF_INET ? 4 : 6].add(message.asked, message.descriptors);
        this.#sendWaiting();
        return;
      case "limits":
        this.#limits = { sessionsMax: message.sessionsMax, idleMs: message.idleMs };
        this.#sessions.limit(this.#limits);
        return;
      case "close":
        this.#isOpen = false;
        return;
    }
  }

  #take(octets: Uint8Array, segmentBytes: number): void {
    const read = readClientPacket(octets);
    const packet = read && this.#fragments.add(read, performance.now());
    if (packet === undefined) return;
    if (packet.protocol !== PROTOCOL_UDP) {
      this.#echo[packet.family].send(packet, performance.now());
      return;
    }
    if (packet.body.length < UDP_HEADER_BYTES) return;
    if (this.#hasSocket(packet)) this.#send(packet, segmentBytes);
    else this.#await(packet, segmentBytes);
  }

  #hasSocket(packet: ClientPacket): boolean {
    const family = packet.family === 4 ? AF_INET : AF_INET6;
    return this.#sessions.has(endsOf(packet).client, family) || !this.#stock[packet.family].isEmpty;
  }

  /** Its octets are the record's, and stay. */
  #await(packet: ClientPacket, segmentBytes: number): void {
    if (this.#waiting.length >= WAITING_MAX) return this.counters.add("dropped");
    this.#waiting.push({ packet, segmentBytes });
    this.#stock[packet.family].keep(this.#waiting.length);
  }

  /** Who still finds none is given up: the system has no more. */
  #sendWaiting(): void {
    const { length } = this.#waiting;
    for (const { packet, segmentBytes } of this.#waiting.splice(0, length)) {
      if (this.#hasSocket(packet)) this.#send(packet, segmentBytes);
      else if (this.#stock[packet.family].isAwaited) this.#waiting.push({ packet, segmentBytes });
      else this.counters.add("dropped");
    }
  }

  #send(packet: ClientPacket, segmentBytes: number): void {
    const { client, server } = endsOf(packet);
    const payload = packet.body.subarray(UDP_HEADER_BYTES);
    const step = segmentBytes === 0 ? payload.length : segmentBytes;
    // Nothing is a datagram, too.
    for (let at = 0; at === 0 || at < payload.length; at += Math.max(step, 1)) {
      this.#sessions.send(client, server, payload.slice(at, at + step), packet);
    }
  }

  #answer(client: SocketAddress, from: SocketAddress, payload: Uint8Array): void {
    const ends = { source: from.address, destination: client.address };
    const packet = udpPacket({
      ...{ ...ends, sourcePort: from.port, destinationPort: client.port, payload },
      ...(client.address.includes(":") ? {} : { dontFragment: false }),
    });
    this.deliver(packet, client.address);
  }

  #tell(client: SocketAddress, error: DatagramError): void {
    const { to, payload } = error;
    const header = new Uint8Array(UDP_HEADER_BYTES + payload.length);
    const view = new DataView(header.buffer);
    view.setUint16(0, client.port);
    view.setUint16(2, to.port);
    view.setUint16(4, header.length);
    header.set(payload, UDP_HEADER_BYTES);
    const quoted = ipPacket({
      ...{ source: client.address, destination: to.address, protocol: PROTOCOL_UDP, payload: header },
    });
    const packet = toldError(error, quoted, client.address);
    if (packet === undefined) return;
    this.counters.add("errorsTold");
    this.deliver(packet, client.address);
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = nowMs;
    this.#sessions.sweep();
    for (const echo of Object.values(this.#echo)) echo.sweep(nowMs);
  }

  #count(): void {
    const { open, sent, received, evicted } = this.#sessions.stats;
    this.counters.set("sessions", open);
    this.counters.set("sent", sent);
    this.counters.set("received", received);
    this.counters.set("fragmentsLost", this.#fragments.givenUp);
    this.counters.set("sessionsEvicted", evicted);
  }
}
