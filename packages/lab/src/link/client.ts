// The program and the TCP of the client: it connects, sends one message, waits for the answer. Lost segments are sent
// again after a silence that doubles (RFC 6298); congestion, selective acknowledgements and closing are left out.
//
//   connecting → (SYN,ACK) → sending → (answer) → answered
//        └──────────────┴──→ (RST) → reset, or (too many silences) → gave-up
import { TCP_ACK, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from "@bunnel/wire";
import { ipChecksumHolds } from "../ip/checksum.ts";
import { joined } from "../octets.ts";
import { RetransmitTimer } from "../tcp/retransmission.ts";
import { RECEIVE_WINDOW_BYTES, TcpReceiver } from "../tcp/receiver.ts";
import { has, readSegment, sequenceBytes, timestampOf } from "../tcp/segment.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import type { SegmentFields } from "../tcp/segment-writer.ts";
import { SegmentWriter, synOptions, timestampOption } from "../tcp/segment-writer.ts";
import { sequenceAfter, sequenceDistance } from "../tcp/sequence.ts";
import type { Host } from "./host.ts";

/** A part of the message that leaves in segments of its own, as a socket without delay sends what it is given. */
export interface ClientPiece {
  readonly octets: Uint8Array;
  /** The last octet is urgent (RFC 6093). */
  readonly urgent?: boolean;
  /** Hop limit of its first sending. */
  readonly hops?: number;
  /** As many octets, in the place of its own at its first sending. */
  readonly decoy?: Uint8Array;
}

export interface ClientOptions {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly message: Uint8Array;
  /** The same octets as they leave. Default: in one piece. */
  readonly pieces?: readonly ClientPiece[] | undefined;
  /** First sequence number. Default 1000. */
  readonly firstSeq?: number;
  /** Octets of payload that one packet carries at most. Default: what fits 1500 with the options. */
  readonly segmentBytes?: number;
  /** Offer timestamps (RFC 7323), as Linux does. Default true. */
  readonly timestamps?: boolean;
  /** How often a segment is sent again before the client gives up. Default RETRANSMIT_MAX. */
  readonly retransmitMax?: number | undefined;
  /** Octets that make the answer whole. Default 1: the first one does. */
  readonly answerBytes?: number;
}

export type ClientState = "connecting" | "sending" | "answered" | "reset" | "gave-up";

/** Octets of the answer that are kept. */
const ANSWER_MAX_BYTES = 1 << 18;
const NOTHING = new Uint8Array(0);
const TIMESTAMP_BYTES = 12;
/** Where the client's timestamp clock starts: not 0, so that an old value can be told from none. */
const CLOCK_START = 1_000_000;

type Marks = Pick<SegmentFields, "urgent" | "hopLimit">;
const NO_MARKS: Marks = { urgent: 0, hopLimit: undefined };

export class Client implements Host {
  readonly #options: ClientOptions;
  readonly #timestamps: boolean;
  readonly #firstSeq: number;
  readonly #timer: RetransmitTimer;
  #state: ClientState = "connecting";
  /** Octets of the message that the server acknowledged. */
  #acknowledgedBytes = 0;
  #sentBytes = 0;
  #receiver: TcpReceiver | undefined;
  #received: Uint8Array = NOTHING;
  #ipId = 1;
  readonly #writer: SegmentWriter;
  readonly #serverKey: string;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#timer = new RetransmitTimer(options.retransmitMax);
    this.#writer = new SegmentWriter(options);
    this.#serverKey = this.#writer.answerKey;
    this.#timestamps = options.timestamps ?? true;
    this.#firstSeq = options.firstSeq ?? 1000;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** The server's octets, in order. */
  get received(): Uint8Array {
    return this.#received;
  }

  get dueMs(): number | undefined {
    return this.#timer.dueMs;
  }

  /** The first packet: SYN. */
  start(nowMs: number): Uint8Array[] {
    this.#timer.start(nowMs);
    return [this.#syn(nowMs)];
  }

  tick(nowMs: number): Uint8Array[] {
    const due = this.#timer.check(nowMs);
    if (due === "over") this.#state = "gave-up";
    if (due !== "repeat") return [];
    if (this.#state === "connecting") return [this.#syn(nowMs)];
    return this.#state === "sending" ? this.#unacknowledged(nowMs) : [];
  }

  receive(packet: Uint8Array, nowMs: number): Uint8Array[] {
    const segment = readSegment(packet);
    if (segment === undefined || segment.key !== this.#serverKey) return [];
    if (!ipChecksumHolds(packet) || !segment.checksumHolds) return [];
    if (this.#state === "connecting") return this.#connect(segment, nowMs);
    if (this.#receiver === undefined || this.#state === "reset" || this.#state === "gave-up") return [];
    const reception = this.#receiver.receive(segment);
    switch (reception.kind) {
      case "ignored":
        return [];
      case "answered":
        return [this.#acknowledgement(nowMs)];
      case "reset":
        this.#end("reset");
        return [];
      case "taken":
        return this.#accept(segment, reception.octets, nowMs);
    }
  }

  /** Linux gives up a connection that it is only opening when a router reports a packet with the number of its SYN. */
  hearExpired(packet: Uint8Array): void {
    if (this.#state === "connecting" && readSegment(packet)?.seq === this.#firstSeq) this.#end("reset");
  }

  /** SYN-SENT (RFC 9293 section 3.10.7.3). */
  #connect(segment: TcpSegment, nowMs: number): Uint8Array[] {
    if (!has(segment, TCP_ACK) || segment.ack !== sequenceAfter(this.#firstSeq, 1)) return [];
    if (has(segment, TCP_RST)) {
      this.#end("reset");
      return [];
    }
    if (!has(segment, TCP_SYN)) return [];
    const stamp = this.#timestamps ? timestampOf(segment) : undefined;
    this.#receiver = new TcpReceiver(sequenceAfter(segment.seq, 1), stamp);
    this.#state = "sending";
    this.#timer.start(nowMs);
    return [this.#acknowledgement(nowMs), ...this.#unacknowledged(nowMs)];
  }

  #accept(segment: TcpSegment, octets: Uint8Array, nowMs: number): Uint8Array[] {
    const { message } = this.#options;
    const acknowledged = sequenceDistance(this.#messageSeq(0), segment.ack);
    if (acknowledged > this.#acknowledgedBytes && acknowledged <= message.length) {
      this.#acknowledgedBytes = acknowledged;
      if (this.#state === "sending") this.#timer.start(nowMs);
    }
    if (octets.length > 0 && this.#received.length < ANSWER_MAX_BYTES) {
      this.#received = this.#received.length === 0 ? octets : joined(this.#received, octets);
      if (this.#received.length >= (this.#options.answerBytes ?? 1)) this.#end("answered");
    }
    return sequenceBytes(segment) === 0 ? [] : [this.#acknowledgement(nowMs)];
  }

  #end(state: ClientState): void {
    this.#state = state;
    this.#timer.stop();
  }

  /** What of the message still has to arrive, cut into segments. */
  #unacknowledged(nowMs: number): Uint8Array[] {
    const { message } = this.#options;
    const headers = (this.#options.source.includes(":") ? 60 : 40) + (this.#timestamps ? TIMESTAMP_BYTES : 0);
    const bytes = this.#options.segmentBytes ?? 1500 - headers;
    const isFirst = this.#sentBytes === 0;
    this.#sentBytes = message.length;
    const { pieces } = this.#options;
    if (pieces !== undefined) return this.#inPieces(pieces, isFirst, bytes, nowMs);
    const packets: Uint8Array[] = [];
    for (let at = this.#acknowledgedBytes; at < message.length; at += bytes) {
      const payload = at === 0 && bytes >= message.length ? message : message.slice(at, at + bytes);
      const flags = at + bytes < message.length ? TCP_ACK : TCP_PSH | TCP_ACK;
      packets.push(this.#packet(flags, this.#messageSeq(at), nowMs, payload));
    }
    return packets;
  }

  #inPieces(pieces: readonly ClientPiece[], isFirst: boolean, bytes: number, nowMs: number): Uint8Array[] {
    const packets: Uint8Array[] = [];
    let start = 0;
    for (const { octets, urgent = false, hops, decoy } of pieces) {
      const from = Math.max(0, this.#acknowledgedBytes - start);
      for (let at = from; at < octets.length; at += bytes) {
        const payload = (isFirst ? (decoy ?? octets) : octets).slice(at, at + bytes);
        const isUrgent = urgent && at + bytes >= octets.length;
        const marks: Marks = { urgent: isUrgent ? payload.length : 0, hopLimit: isFirst ? hops : undefined };
        const flags = TCP_PSH | TCP_ACK | (isUrgent ? TCP_URG : 0);
        packets.push(this.#write(flags, this.#messageSeq(start + at), this.#stamp(nowMs), payload, marks));
      }
      start += octets.length;
    }
    return packets;
  }

  #syn(nowMs: number): Uint8Array {
    const mssBytes = this.#options.source.includes(":") ? 1440 : 1460;
    return this.#write(TCP_SYN, this.#firstSeq, synOptions(mssBytes, this.#stamp(nowMs)));
  }

  #acknowledgement(nowMs: number): Uint8Array {
    return this.#packet(TCP_ACK, this.#messageSeq(this.#sentBytes), nowMs);
  }

  #messageSeq(at: number): number {
    return sequenceAfter(this.#firstSeq, 1 + at);
  }

  #packet(flags: number, seq: number, nowMs: number, payload?: Uint8Array): Uint8Array {
    return this.#write(flags, seq, this.#stamp(nowMs), payload);
  }

  #write(flags: number, seq: number, options?: Uint8Array, payload?: Uint8Array, marks = NO_MARKS): Uint8Array {
    this.#ipId = (this.#ipId + 1) & 0xffff;
    return this.#writer.write({
      seq,
      ack: this.#receiver?.expected ?? 0,
      flags,
      id: this.#ipId,
      window: RECEIVE_WINDOW_BYTES,
      options,
      payload,
      urgent: marks.urgent,
      hopLimit: marks.hopLimit,
    });
  }

  /** The timestamps option: on the SYN where it is offered, later where it was agreed on. */
  #stamp(nowMs: number): Uint8Array | undefined {
    const echo = this.#receiver?.timestamp;
    const isStamped = this.#timestamps && (this.#receiver === undefined || echo !== undefined);
    return isStamped ? timestampOption((CLOCK_START + nowMs) >>> 0, echo ?? 0) : undefined;
  }
}
