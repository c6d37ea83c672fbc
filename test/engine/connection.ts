// One connection from a client by hand, through the engine, over a path of routers, to a receiver that holds to the
// RFCs as Linux does:
//
//   segments of the client → engine → HOPS routers → endpoint
import { Fooling, L7 } from "@bunnel/abi";
import type { Engine, Lane, LaneOptions } from "@bunnel/engine";
import { Endpoint } from "@bunnel/lab";
import {
  decodePacket,
  internetChecksum,
  superPacket,
  TCP_ACK,
  TCP_RST,
  TCP_SYN,
  tcpOptions,
  tcpOptionsOf,
  type TcpOption,
  tcpPacket,
  verifyChecksums,
} from "@bunnel/wire";
import { quickReset } from "./quick-reset.ts";

/** Routers between the engine and the endpoint; a hop limit of as many or fewer ends on the way. */
export const HOPS = 8;
const CLOCK = 5_000_000;
const ADDRESSES: Addresses = { 4: ["192.0.2.7", "203.0.113.9"], 6: ["2001:db8::7", "2001:db8:1::9"] };

/** Client and server of each family. */
export type Addresses = Readonly<Record<4 | 6, readonly [client: string, server: string]>>;

export interface ConnectionOptions {
  readonly family: 4 | 6;
  readonly port: number;
  /** Sequence number of the SYN. */
  readonly firstSeq: number;
  readonly timestamps: boolean;
  /** Octets of payload of one segment. */
  readonly segmentBytes: number;
  readonly sourcePort?: number;
  readonly addresses?: Addresses;
  readonly lane?: LaneOptions;
}

export class Connection {
  readonly endpoint: Endpoint;
  readonly lane: Lane;
  nowMs = 0;
  readonly #addresses: readonly [string, string];
  #serverSeq = 0;
  /** TSval of the SYN,ACK; Linux 6.15 and later want it back. */
  #echo = 0;
  #id = 100;

  constructor(
    readonly engine: Engine,
    readonly options: ConnectionOptions,
  ) {
    quickReset(engine);
    this.lane = engine.lane(0, { mtuBytes: 1500, rxVnet: true, ...options.lane });
    this.#addresses = (options.addresses ?? ADDRESSES)[options.family];
    this.endpoint = new Endpoint({ addresses: [this.#addresses[1]], ports: [options.port] });
  }

  /** The handshake, all of it through the engine. */
  open(): this {
    const answers = this.deliver(this.send(this.syn()));
    const synAck = answers.find((packet) => (decodePacket(packet).tcpFlags & TCP_SYN) !== 0);
    if (synAck === undefined) throw new Error("handshake: expected a SYN,ACK, found none");
    this.deliver(this.accept(synAck));
    return this;
  }

  /** The server's SYN,ACK came, as the path left it: what leaves to answer it. */
  accept(synAck: Uint8Array): Uint8Array[] {
    this.#serverSeq = (decodePacket(synAck).seq + 1) >>> 0;
    const stamp = tcpOptionsOf(synAck).find(({ kind }) => kind === "timestamps");
    if (stamp?.kind === "timestamps") this.#echo = stamp.value;
    this.send(withHopLimit(synAck, 64 - HOPS));
    return this.send(this.#packet(1, "A", new Uint8Array(0)));
  }

  syn(): Uint8Array {
    return this.#packet(0, "S", new Uint8Array(0), [
      { kind: "mss", bytes: 1460 },
      { kind: "sackPermitted" },
      { kind: "windowScale", shift: 7 },
    ]);
  }

  /** The segment with octets `from` up to `to` of the message; one that is longer than a segment is a super-packet. */
  segment(message: Uint8Array, from: number, to: number): { packet: Uint8Array; header?: Uint8Array } {
    const flags = to === message.length ? "PA" : "A";
    const payload = message.slice(from, to);
    if (payload.length <= this.options.segmentBytes) return { packet: this.#packet(1 + from, flags, payload) };
    return superPacket(this.#fields(1 + from, flags, payload), this.options.segmentBytes);
  }

  /** What the engine sends in place of the packet. */
  send(packet: Uint8Array, header?: Uint8Array): Uint8Array[] {
    const sent: Uint8Array[] = [];
    this.lane.place(0, packet, header);
    this.lane.work(1, this.nowMs, () => sent.push(...this.lane.sent()));
    return sent;
  }

  /** What the engine lets go by itself when this much time has passed. */
  wait(milliseconds: number): Uint8Array[] {
    this.nowMs += milliseconds;
    this.lane.poll(0, 0, this.nowMs);
    return this.lane.sent();
  }

  /** Takes the packets over the path; returns what the endpoint answers. */
  deliver(packets: readonly Uint8Array[]): Uint8Array[] {
    return packets
      .filter((packet) => decodePacket(packet).hopLimit > HOPS)
      .flatMap((packet) => this.endpoint.receive(packet, this.nowMs));
  }

  /** What an application has read at the endpoint. */
  get stream(): Uint8Array {
    return this.endpoint.flows[0]?.stream ?? new Uint8Array(0);
  }

  get state(): string {
    return this.endpoint.flows[0]?.state ?? "none";
  }

  #packet(offset: number, flags: string, payload: Uint8Array, options: readonly TcpOption[] = []): Uint8Array {
    return tcpPacket(this.#fields(offset, flags, payload, options));
  }

  #fields(offset: number, flags: string, payload: Uint8Array, more: readonly TcpOption[] = []) {
    const [source, destination] = this.#addresses;
    const stamp: readonly TcpOption[] = this.options.timestamps
      ? [{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: CLOCK + this.nowMs, echo: this.#echo }]
      : [];
    return {
      source,
      destination,
      sourcePort: this.options.sourcePort ?? 40000,
      destinationPort: this.options.port,
      seq: (this.options.firstSeq + offset) >>> 0,
      ack: flags === "S" ? 0 : this.#serverSeq,
      flags,
      id: this.#id++ & 0xffff,
      options: tcpOptions([...more, ...stamp]),
      payload,
    };
  }
}

/** The same packet with another hop limit, its header checksum right. */
export function withHopLimit(packet: Uint8Array, hopLimit: number): Uint8Array {
  const copy = packet.slice();
  if (decodePacket(packet).family === 6) {
    copy[7] = hopLimit;
    return copy;
  }
  copy[8] = hopLimit;
  copy[10] = copy[11] = 0;
  const sum = internetChecksum(copy.subarray(0, ((copy[0] ?? 0) & 15) * 4));
  copy[10] = sum >> 8;
  copy[11] = sum & 0xff;
  return copy;
}

/** Foolings that an emitted packet visibly has, against the packet that it stands for. */
export function foolingsIn(packet: Uint8Array, original: Uint8Array): number {
  const made = decodePacket(packet);
  const first = decodePacket(original);
  // A data offset below five words is no TCP header.
  if (made.family === 0) return Fooling.DataOffset;
  let foolings = 0;
  if (made.hopLimit <= HOPS) foolings |= Fooling.Ttl;
  if (verifyChecksums(packet).transport === false) foolings |= Fooling.BadSum;
  if (tcpOptionsOf(packet).some(({ kind }) => kind === "md5")) foolings |= Fooling.Md5Sig;
  if ((made.tcpFlags & (TCP_ACK | TCP_RST)) === 0) foolings |= Fooling.DataNoAck;
  if (((made.seq - first.seq) | 0) < -9000) foolings |= Fooling.BadSeq;
  const [mine, theirs] = [packet, original].map((each) => tcpOptionsOf(each).find(({ kind }) => kind === "timestamps"));
  if (mine?.kind === "timestamps" && theirs?.kind === "timestamps" && ((mine.value - theirs.value) | 0) < 0) {
    foolings |= Fooling.Ts;
  }
  return foolings;
}

export const KIND_PORTS = { [L7.Tls]: 443, [L7.Http]: 80 } as const;
