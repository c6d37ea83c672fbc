// The thread that carries datagrams and echo requests on where there are no raw sockets to answer by:
//   1. packets come in records; fragments are put together
//   2. a datagram goes by the socket of its sender, an echo request by a ping socket, where the system has those
//   3. answers go back in records as whole packets, together with what the system itself refuses
import { receiveMessageOnPort } from "node:worker_threads";
import { ipPacket, udpPacket } from "@bunnel/wire";
import { Poller } from "../loop/poller.ts";
import type { SocketAddress } from "../relay-options.ts";
import { clearSignal, closeFile, errno, prepare, useSockets } from "../sockets/current.ts";
import { portableSockets } from "../sockets/of-form.ts";
import { AF_INET, AF_INET6, EACCES } from "../sys.ts";
import { CarryCounters } from "./carry-counters.ts";
import type { CarryLimits } from "./carry-protocol.ts";
import { endsOf, readClientPacket, UDP_HEADER_BYTES, type ClientPacket } from "./client-packet.ts";
import type { FromPortable, PortableStart, ToPortable } from "./portable-protocol.ts";
import { Reassembly } from "./reassembly.ts";
import { readRecords, recordsOf } from "./records.ts";
import { DatagramSessions } from "./sessions.ts";
import { icmpPacket, toldError } from "./told-errors.ts";

const PROTOCOL_UDP = 17;
const SWEEP_MS = 1000;
/** Octets of answers that were not taken over yet; beyond it they are dropped and counted. */
const ANSWERS_MAX_BYTES = 4 * 1024 * 1024;
/** RFC 792, RFC 4443 section 4.1. */
const ECHO_HEADER_BYTES = 8;
const IDENTIFIER_AT = 4;

export class PortableCarryLoop {
  readonly #poller: Poller;
  readonly #counters: CarryCounters;
  readonly #udp: DatagramSessions;
  readonly #echo: DatagramSessions;
  readonly #fragments = new Reassembly();
  readonly #delivered: Uint32Array;
  #answers: Uint8Array[] = [];
  #given = 0;
  #sweptMs = 0;
  #isOpen = true;

  constructor(
    private readonly start: PortableStart,
    private readonly say: (message: FromPortable, transfer?: ArrayBuffer[]) => void,
  ) {
    useSockets(portableSockets(start.system ?? { platform: process.platform }));
    prepare();
    this.#poller = new Poller();
    this.#counters = new CarryCounters(start.counters);
    this.#delivered = new Uint32Array(start.delivered);
    const { limits, bindTo } = start;
    this.#udp = new DatagramSessions(
      {
        ...{ ...limits, bindTo, protocol: "udp", keepsPorts: true },
        answer: (client, from, payload) => this.#answer(client, from, payload),
      },
      this.#poller,
    );
    this.#echo = new DatagramSessions(
      {
        ...{ ...limits, bindTo, protocol: "echo" },
        answer: (client, from, payload) =>
          this.#answers.push(icmpPacket(from.address, client.address, payload.slice())),
      },
      this.#poller,
    );
  }

  /** Carries on until it is told to close. */
  run(): void {
    const { signal } = this.start;
    this.#poller.add(signal, { ready: () => this.#listen() });
    this.#listen();
    while (this.#isOpen) {
      this.#give();
      this.#poller.wait(SWEEP_MS);
      this.#sweep(performance.now());
      this.#count();
    }
    this.#udp[Symbol.dispose]();
    this.#echo[Symbol.dispose]();
    this.#poller[Symbol.dispose]();
    closeFile(signal);
  }

  /** What the other thread has said. */
  #listen(): void {
    clearSignal(this.start.signal);
    for (;;) {
      const received: { readonly message: ToPortable } | undefined = receiveMessageOnPort(this.start.port);
      if (received === undefined) return;
      this.#hear(received.message);
    }
  }

  #hear(message: ToPortable): void {
    switch (message.say) {
      case "packets":
        for (const { packet, segmentBytes } of readRecords(message.records)) this.#take(packet, segmentBytes);
        this.#counters.take(message.records.length);
        return;
      case "bind":
        this.#udp.bind(message.bindTo);
        this.#echo.bind(message.bindTo);
        return;
      case "limits":
        return this.#limit({ sessionsMax: message.sessionsMax, idleMs: message.idleMs });
      case "close":
        this.#isOpen = false;
        return;
    }
  }

  #limit(limits: CarryLimits): void {
    this.#udp.limit(limits);
    this.#echo.limit(limits);
  }

  #take(octets: Uint8Array, segmentBytes: number): void {
    const read = readClientPacket(octets);
    const packet = read && this.#fragments.add(read, performance.now());
    if (packet === undefined) return;
    if (packet.protocol !== PROTOCOL_UDP) return this.#sendEcho(packet);
    if (packet.body.length >= UDP_HEADER_BYTES) this.#send(packet, segmentBytes);
  }

  #send(packet: ClientPacket, segmentBytes: number): void {
    const { client, server } = endsOf(packet);
    // A socket that the system sends into the device again, whatever it is bound to: the circle ends here.
    if (this.#udp.owns(client.port, packet.family === 4 ? AF_INET : AF_INET6)) return this.#counters.add("dropped");
    const payload = packet.body.subarray(UDP_HEADER_BYTES);
    const step = segmentBytes === 0 ? payload.length : segmentBytes;
    // Nothing is a datagram, too.
    for (let at = 0; at === 0 || at < payload.length; at += Math.max(step, 1)) {
      if (!this.#udp.send(client, server, payload.slice(at, at + step))) this.#refuse(packet, errno());
    }
  }

  #sendEcho(packet: ClientPacket): void {
    const { source, destination, body } = packet;
    if (body.length < ECHO_HEADER_BYTES) return;
    const identifier = ((body[IDENTIFIER_AT] ?? 0) << 8) | (body[IDENTIFIER_AT + 1] ?? 0);
    const client = { address: source, port: identifier };
    // Where there are no ping sockets, whoever asks hears of it at once.
    if (!this.#echo.send(client, { address: destination, port: 0 }, body.slice())) this.#refuse(packet, EACCES);
  }

  /** The client hears what the system says, as a router would have said it. */
  #refuse({ source, destination, protocol, body }: ClientPacket, error: number): void {
    const quoted = ipPacket({ source, destination, protocol, payload: body.slice() });
    const to = { address: destination, port: 0 };
    const none = { from: undefined, type: 0, code: 0, info: 0, payload: body };
    const packet = toldError({ to, errno: error, ...none }, quoted, source);
    if (packet === undefined) return;
    this.#counters.add("errorsTold");
    this.#answers.push(packet);
  }

  #answer(client: SocketAddress, from: SocketAddress, payload: Uint8Array): void {
    const ends = { source: from.address, destination: client.address };
    const isIpv6 = client.address.includes(":");
    this.#answers.push(
      udpPacket({
        ...{ ...ends, sourcePort: from.port, destinationPort: client.port, payload },
        ...(isIpv6 ? {} : { dontFragment: false }),
      }),
    );
  }

  /** What the last round came to goes in one piece. */
  #give(): void {
    if (this.#answers.length === 0) return;
    const records = recordsOf(this.#answers);
    const count = this.#answers.length;
    this.#answers = [];
    if ((this.#given - Atomics.load(this.#delivered, 0)) >>> 0 > ANSWERS_MAX_BYTES) {
      this.#counters.add("dropped", count);
      return;
    }
    this.#given = (this.#given + records.length) >>> 0;
    this.say({ say: "answers", records }, [records.buffer]);
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = nowMs;
    this.#udp.sweep();
    this.#echo.sweep();
  }

  #count(): void {
    const [udp, echo] = [this.#udp.stats, this.#echo.stats];
    this.#counters.set("sessions", udp.open);
    this.#counters.set("sent", udp.sent);
    this.#counters.set("received", udp.received);
    this.#counters.set("sessionsEvicted", udp.evicted);
    this.#counters.set("echoesSent", echo.sent);
    this.#counters.set("echoesReceived", echo.received);
    this.#counters.set("echoesEvicted", echo.evicted);
    this.#counters.set("refused", udp.refused + echo.refused);
    this.#counters.set("fragmentsLost", this.#fragments.givenUp);
  }
}
