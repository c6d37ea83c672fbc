// One connection of the endpoint: handshake, delivery in order, one answer. RFC 9293 section 3.10.7, the parts that a
// server of one request needs, with Linux' choices where the RFC leaves one.
//
//   (SYN) → syn-received → (ACK of our SYN) → established → (RST, or given up) → closed
import { TCP_ACK, TCP_RST, TCP_SYN, tcpOptions, tcpPacket } from "@bunnel/wire";
import type { TcpOption } from "@bunnel/wire";
import { firstMessage } from "./message.ts";
import { concat } from "./octets.ts";
import { RetransmitTimer } from "./tcp/retransmission.ts";
import { acknowledged, RECEIVE_WINDOW_BYTES, TcpReceiver } from "./tcp/receiver.ts";
import type { Reception, SentSide } from "./tcp/receiver.ts";
import { has, sequenceBytes, timestampOf } from "./tcp/segment.ts";
import type { TcpSegment } from "./tcp/segment.ts";
import { sequenceAfter, sequenceDistance } from "./tcp/sequence.ts";

/** Octets of one stream that are kept to be looked at. */
export const ENDPOINT_STREAM_MAX_BYTES = 1 << 20;

export type EndpointState = "syn-received" | "established" | "closed";

/** What a TLS server says to a hello that it cannot use: a fatal alert, handshake_failure (RFC 8446 section 6). */
export const TLS_ANSWER: Uint8Array = Uint8Array.of(21, 3, 3, 0, 2, 2, 40);
export const HTTP_ANSWER: Uint8Array = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n");

export class EndpointFlow {
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
  readonly #syn: TcpSegment;
  readonly #timestamps: boolean;
  readonly #receiver: TcpReceiver;
  readonly #timer = new RetransmitTimer();
  #sent: SentSide;
  #state: EndpointState = "syn-received";
  #stream = new Uint8Array(0);
  #answer: Uint8Array | undefined;
  #host: string | undefined;

  /** @param firstSeq our own first sequence number */
  constructor(syn: TcpSegment, firstSeq: number) {
    this.client = syn.source;
    this.clientPort = syn.sourcePort;
    this.server = syn.destination;
    this.serverPort = syn.destinationPort;
    this.#syn = syn;
    const stamp = timestampOf(syn);
    this.#timestamps = stamp !== undefined;
    this.#receiver = new TcpReceiver(sequenceAfter(syn.seq, 1), stamp);
    this.#sent = { unacknowledged: firstSeq, next: sequenceAfter(firstSeq, 1), acknowledgedBytes: 0 };
  }

  get state(): EndpointState {
    return this.#state;
  }

  /** What an application has read, in order. */
  get stream(): Uint8Array {
    return this.#stream;
  }

  /** A complete ClientHello or HTTP request was delivered. */
  get served(): boolean {
    return this.#answer !== undefined;
  }

  /** The host name in that message. */
  get host(): string | undefined {
    return this.#host;
  }

  /** When `tick` has something to do; undefined: never. */
  get dueMs(): number | undefined {
    return this.#timer.dueMs;
  }

  /** The first answer: SYN,ACK. */
  open(nowMs: number): Uint8Array[] {
    this.#timer.start(nowMs);
    return [this.#synAck(nowMs)];
  }

  /** Sends again what was not acknowledged. */
  tick(nowMs: number): Uint8Array[] {
    const due = this.#timer.check(nowMs);
    if (due === "over") this.#state = "closed";
    if (due !== "repeat" || this.#state === "closed") return [];
    if (this.#state === "syn-received") return [this.#synAck(nowMs)];
    return this.#answer === undefined ? [] : [this.#data(this.#answer, nowMs)];
  }

  /** Takes a segment of this connection whose checksums hold. Returns the packets that answer it. */
  receive(segment: TcpSegment, nowMs: number): Uint8Array[] {
    if (this.#state === "closed") return [];
    if (this.#state === "syn-received") {
      const answer = this.#shakeHands(segment, nowMs);
      if (answer !== undefined) return answer;
    }
    const reception = this.#receiver.receive(segment, this.#sent);
    switch (reception.kind) {
      case "ignored":
        return [];
      case "answered":
        return [this.#packet({ flags: "A", seq: this.#sent.next }, nowMs)];
      case "reset":
        this.#state = "closed";
        this.#timer.stop();
        return [];
      case "taken":
        return this.#accept(segment, reception, nowMs);
    }
  }

  /** SYN-RECEIVED. Undefined: the receiver may judge the segment. */
  #shakeHands(segment: TcpSegment, nowMs: number): Uint8Array[] | undefined {
    if (has(segment, TCP_RST)) return undefined;
    if (has(segment, TCP_SYN)) return segment.seq === this.#syn.seq ? [this.#synAck(nowMs)] : [];
    if (!has(segment, TCP_ACK)) return [];
    if (segment.ack !== this.#sent.next) return [this.#packet({ flags: "R", seq: segment.ack }, nowMs)];
    return undefined;
  }

  #accept(segment: TcpSegment, reception: Extract<Reception, { kind: "taken" }>, nowMs: number): Uint8Array[] {
    if (this.#state === "syn-received") {
      this.#state = "established";
      this.#sent = { ...this.#sent, unacknowledged: this.#sent.next };
    }
    this.#sent = acknowledged(this.#sent, segment.ack);
    if (sequenceDistance(this.#sent.unacknowledged, this.#sent.next) === 0) this.#timer.stop();
    const room = ENDPOINT_STREAM_MAX_BYTES - this.#stream.length;
    if (reception.octets.length > 0) this.#stream = concat(this.#stream, reception.octets.subarray(0, room));
    const answer = this.#serve(nowMs);
    if (answer !== undefined) return [answer];
    return sequenceBytes(segment) === 0 ? [] : [this.#packet({ flags: "A", seq: this.#sent.next }, nowMs)];
  }

  /** Sends the answer as soon as the message is complete. */
  #serve(nowMs: number): Uint8Array | undefined {
    if (this.#answer !== undefined) return undefined;
    const message = firstMessage(this.#stream);
    if (message?.complete !== true) return undefined;
    this.#host = message.host;
    this.#answer = message.kind === "tls" ? TLS_ANSWER : HTTP_ANSWER;
    this.#timer.start(nowMs);
    const packet = this.#data(this.#answer, nowMs);
    this.#sent = { ...this.#sent, next: sequenceAfter(this.#sent.next, this.#answer.length) };
    return packet;
  }

  #data(payload: Uint8Array, nowMs: number): Uint8Array {
    return this.#packet({ flags: "PA", seq: this.#sent.unacknowledged, payload }, nowMs);
  }

  #synAck(nowMs: number): Uint8Array {
    const mss = { kind: "mss", bytes: this.#syn.family === 4 ? 1460 : 1440 } as const;
    return this.#packet({ flags: "SA", seq: this.#sent.unacknowledged, options: [mss] }, nowMs);
  }

  #packet(fields: OwnFields, nowMs: number): Uint8Array {
    const reset = fields.flags === "R";
    const stamp = { kind: "timestamps", value: nowMs >>> 0, echo: this.#receiver.timestamp ?? 0 } as const;
    const options = [...(fields.options ?? []), ...(this.#timestamps && !reset ? [stamp] : [])];
    return tcpPacket({
      source: this.server,
      destination: this.client,
      sourcePort: this.serverPort,
      destinationPort: this.clientPort,
      window: RECEIVE_WINDOW_BYTES,
      seq: fields.seq,
      ack: reset ? 0 : this.#receiver.expected,
      flags: fields.flags,
      options: tcpOptions(options),
      payload: fields.payload ?? new Uint8Array(0),
    });
  }
}

interface OwnFields {
  readonly flags: "SA" | "A" | "PA" | "R";
  readonly seq: number;
  readonly options?: readonly TcpOption[];
  readonly payload?: Uint8Array;
}
