// The host names of QUIC connections, out of what their clients send first.
//
//   1. walk the packets of the datagram   2. open each Initial, with the keys of its flow or its own
//   3. gather its CRYPTO octets           4. look for the name in the hello, as far as it is told
//
// The keys of Initials follow from the destination id of the client's first one (RFC 9001 section 5.2). The client
// later writes to an id that the server chose, with the same keys, so that the flow must remember them. After a Retry,
// or when a port is used again, an Initial opens with keys of its own only: that starts a new connection on the flow.
import { HOLD_MESSAGE_MAX_BYTES, PACKET_MAX_BYTES, QUIC_PACKETS_MAX } from "@bunnel/abi";
import { gatherCrypto } from "./gather-crypto.ts";
import { helloName, type QuicAnswer } from "./hello-name.ts";
import { HelloStream } from "./hello-stream.ts";
import { initialKeys, type InitialKeys, type QuicVersion } from "./initial-keys.ts";
import { readLongPacket, sameOctets, startsLong, type LongPacket } from "./long-packet.ts";
import { openInitial, type OpenedInitial } from "./open-initial.ts";

const FLOWS_MAX = 64;
const HOLD_MS = 5000;

/** How much is kept while the hello of a QUIC connection comes in pieces. */
export interface QuicLimits {
  /** Flows remembered at a time; the one not seen for longest goes first. Default 64. */
  readonly maxFlows?: number;
  /** Octets of a hello that are kept, 1 to 65535. What a hello has behind them is not looked at. Default 8192. */
  readonly maxHelloBytes?: number;
  /** A flow not seen for so long is a new one. Default 5000. */
  readonly holdMs?: number;
}

interface Connection {
  readonly version: QuicVersion;
  /** Where the keys come from. */
  readonly destinationId: Uint8Array;
  readonly keys: InitialKeys;
}

interface Flow {
  readonly stream: HelloStream;
  connection: Connection;
  largest: number;
  answer: QuicAnswer;
  seenMs: number;
}

/** Belongs to one thread. Memory: at most twice `maxHelloBytes` for each flow, kept for those that follow. */
export class QuicNames {
  readonly #maxFlows: number;
  readonly #maxHelloBytes: number;
  readonly #holdMs: number;
  /** In the order in which they were last seen. */
  readonly #flows = new Map<bigint, Flow>();
  /** Datagrams may lie in shared memory, of which the system's cryptography wants none. */
  readonly #copy = new Uint8Array(PACKET_MAX_BYTES);

  /** @throws RangeError when a limit is out of range */
  constructor(limits: QuicLimits = {}) {
    this.#maxFlows = checked("QUIC flows", limits.maxFlows ?? FLOWS_MAX, 1, 65535);
    this.#maxHelloBytes = checked("octets of a QUIC hello", limits.maxHelloBytes ?? HOLD_MESSAGE_MAX_BYTES, 1, 65535);
    this.#holdMs = checked("QUIC hold time in ms", limits.holdMs ?? HOLD_MS, 1, 0x7fffffff);
  }

  /** Flows remembered, among them those whose time is over but whose place nobody needed. */
  get flows(): number {
    return this.#flows.size;
  }

  /**
   * What the hello that this datagram is part of says. `payload` is one UDP payload from the client to the server; a
   * super-packet must have been cut. `flowKey` tells connections apart; `nowMs` may wrap at 2^32.
   *
   * - a name, one character per octet, as soon as the octets that lead to it are there, and for every later datagram
   *   with a part of the handshake in it;
   * - "incomplete": the datagram tells part of a hello, and parts that are needed are missing;
   * - "none": not an Initial of version 1 or 2 that a client protected, nothing of a handshake in it, or a hello
   *   without a name.
   *
   * Never throws. What does not open with the right keys leaves no trace. The work is bounded by the datagram's octets,
   * which are at most deciphered twice.
   */
  look(payload: Uint8Array, flowKey: bigint, nowMs: number): QuicAnswer {
    if (!startsLong(payload) || payload.length > this.#copy.length) return "none";
    this.#copy.set(payload);
    const datagram = this.#copy.subarray(0, payload.length);
    let flow = this.#recall(flowKey, nowMs);
    let gathered = 0;
    let first: Uint8Array | undefined;
    for (let start = 0, count = 0; count < QUIC_PACKETS_MAX; count++) {
      const packet = readLongPacket(datagram, start);
      // RFC 9000 section 12.2: packets behind the first that are for another connection are ignored.
      if (packet === undefined || !sameOctets(packet.destinationId, first ?? packet.destinationId)) break;
      first = packet.destinationId;
      start = packet.end;
      if (!packet.isInitial) continue;
      let opened = flow && openWithFlow(datagram, packet, flow);
      if (opened === undefined) {
        const fresh = openWithOwn(datagram, packet, flow?.connection);
        if (fresh === undefined) continue;
        flow = this.#begin(flowKey, fresh.connection);
        ({ opened } = fresh);
      }
      if (flow === undefined || opened === undefined) continue;
      flow.largest = Math.max(flow.largest, opened.packetNumber);
      gathered += gatherCrypto(opened.payload, flow.stream);
      this.#touch(flowKey, flow, nowMs);
    }
    if (flow === undefined || gathered === 0) return "none";
    if (flow.answer === "incomplete") flow.answer = helloName(flow.stream);
    return flow.answer;
  }

  #recall(flowKey: bigint, nowMs: number): Flow | undefined {
    const flow = this.#flows.get(flowKey);
    // As 32-bit numbers, so that a wrap between the two does not show; a clock set back a little is no age either.
    return flow && Math.abs((nowMs - flow.seenMs) | 0) <= this.#holdMs ? flow : undefined;
  }

  /** The flow's place, that of the flow not seen for longest, or a new one; emptied for the connection. */
  #begin(flowKey: bigint, connection: Connection): Flow {
    const flow = this.#flows.get(flowKey) ?? this.#evict();
    if (flow === undefined) {
      const stream = new HelloStream(this.#maxHelloBytes);
      return { stream, connection, largest: -1, answer: "incomplete", seenMs: 0 };
    }
    flow.stream.clear();
    return Object.assign(flow, { connection, largest: -1, answer: "incomplete" as const });
  }

  /** Undefined: there is still room. */
  #evict(): Flow | undefined {
    if (this.#flows.size < this.#maxFlows) return undefined;
    const [oldest] = this.#flows;
    if (oldest === undefined) return undefined;
    this.#flows.delete(oldest[0]);
    return oldest[1];
  }

  #touch(flowKey: bigint, flow: Flow, nowMs: number): void {
    flow.seenMs = nowMs;
    this.#flows.delete(flowKey);
    this.#flows.set(flowKey, flow);
  }
}

function openWithFlow(datagram: Uint8Array, packet: LongPacket, flow: Flow): OpenedInitial | undefined {
  if (flow.connection.version !== packet.version) return undefined;
  return openInitial(datagram, packet, flow.connection.keys, flow.largest);
}

/** With the keys that follow from the packet itself, if the flow does not have them already. */
function openWithOwn(
  datagram: Uint8Array,
  packet: LongPacket,
  known: Connection | undefined,
): { readonly opened: OpenedInitial; readonly connection: Connection } | undefined {
  const { version } = packet;
  if (known?.version === version && sameOctets(known.destinationId, packet.destinationId)) return undefined;
  const keys = initialKeys(version, packet.destinationId);
  const opened = openInitial(datagram, packet, keys, -1);
  return opened && { opened, connection: { version, destinationId: packet.destinationId.slice(), keys } };
}

function checked(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name}: expected ${min}..${max}, found ${value}`);
}
