// One connection of the endpoint: handshake, delivery in order, one answer. RFC 9293 section 3.10.7, the parts that a
// server of one request needs, with Linux' choices where the RFC leaves one.
//
//   (SYN) → syn-received → (ACK of our SYN) → established → (RST, or given up) → closed
import { TCP_ACK, TCP_PSH, TCP_RST, TCP_SYN } from "@bunnel/wire";
import { behindEmptyLines, firstMessage } from "./message.ts";
import { joined } from "./octets.ts";
import { RetransmitTimer } from "./tcp/retransmission.ts";
import { LinuxQueue } from "./tcp/linux-queue.ts";
import { acknowledged, RECEIVE_WINDOW_BYTES, TcpReceiver } from "./tcp/receiver.ts";
import type { Reception, SentSide } from "./tcp/receiver.ts";
import { has, sequenceBytes, timestampOf } from "./tcp/segment.ts";
import type { TcpSegment } from "./tcp/segment.ts";
import { SegmentWriter, synOptions, timestampOption } from "./tcp/segment-writer.ts";
import { UrgentOctets } from "./tcp/urgent-octets.ts";
import { WindowsQueue } from "./tcp/windows-queue.ts";
import { sequenceAfter, sequenceDistance } from "./tcp/sequence.ts";

/** Octets of one stream that are kept to be looked at. */
export const ENDPOINT_STREAM_MAX_BYTES = 1 << 20;
const NOTHING = new Uint8Array(0);
/** Octets of payload in one segment of the answer. */
const ANSWER_SEGMENT_BYTES = 1400;

/** Whose choices the endpoint makes where segments overlap. */
export type TcpStack = "linux" | "windows";

export interface EndpointFlowOptions {
  /** Our own first sequence number. */
  readonly firstSeq: number;
  /** Default "linux". */
  readonly stack?: TcpStack | undefined;
  /** The answer grows to so many octets. Default: as long as it is. */
  readonly answerBytes?: number | undefined;
}

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
  readonly #urgent = new UrgentOctets();
  #sent: SentSide;
  #state: EndpointState = "syn-received";
  #stream: Uint8Array = NOTHING;
  #answer: Uint8Array | undefined;
  #host: string | undefined;

  readonly #writer: SegmentWriter;
  readonly #answerBytes: number;

  constructor(syn: TcpSegment, { firstSeq, stack, answerBytes }: EndpointFlowOptions) {
    this.client = syn.source;
    this.clientPort = syn.sourcePort;
    this.server = syn.destination;
    this.serverPort = syn.destinationPort;
    this.#syn = syn;
    this.#answerBytes = answerBytes ?? 0;
    this.#writer = new SegmentWriter({
      source: this.server,
      destination: this.client,
      sourcePort: this.serverPort,
      destinationPort: this.clientPort,
    });
    const stamp = timestampOf(syn);
    this.#timestamps = stamp !== undefined;
    const queue = stack === "windows" ? new WindowsQueue() : new LinuxQueue();
    this.#receiver = new TcpReceiver(sequenceAfter(syn.seq, 1), stamp, queue);
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
    return this.#state === "syn-received" ? [this.#synAck(nowMs)] : this.#unacknowledged(nowMs);
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
        return [this.#packet(TCP_ACK, this.#sent.next, nowMs)];
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
    if (segment.ack !== this.#sent.next) return [this.#writer.write({ flags: TCP_RST, seq: segment.ack, ack: 0 })];
    return undefined;
  }

  #accept(segment: TcpSegment, reception: Extract<Reception, { kind: "taken" }>, nowMs: number): Uint8Array[] {
    if (this.#state === "syn-received") {
      this.#state = "established";
      const { next, acknowledgedBytes } = this.#sent;
      this.#sent = { unacknowledged: next, next, acknowledgedBytes };
    }
    this.#sent = acknowledged(this.#sent, segment.ack);
    if (sequenceDistance(this.#sent.unacknowledged, this.#sent.next) === 0) this.#timer.stop();
    const room = ENDPOINT_STREAM_MAX_BYTES - this.#stream.length;
    const { octets } = reception;
    this.#urgent.note(sequenceDistance(this.#syn.seq, segment.seq) - 1, segment.urgent);
    if (octets.length > 0) this.#keep(this.#urgent.read(octets.length <= room ? octets : octets.subarray(0, room)));
    const answer = this.#serve(nowMs);
    if (answer !== undefined) return answer;
    return sequenceBytes(segment) === 0 ? [] : [this.#packet(TCP_ACK, this.#sent.next, nowMs)];
  }

  #keep(octets: Uint8Array): void {
    this.#stream = this.#stream.length === 0 ? octets : joined(this.#stream, octets);
  }

  /** Sends the answer as soon as the message is complete. */
  #serve(nowMs: number): Uint8Array[] | undefined {
    if (this.#answer !== undefined || this.#stream.length === 0) return undefined;
    const message = firstMessage(behindEmptyLines(this.#stream));
    if (message?.complete !== true) return undefined;
    this.#host = message.host;
    this.#answer = answerOf(message.kind === "tls" ? TLS_ANSWER : HTTP_ANSWER, this.#answerBytes);
    this.#timer.start(nowMs);
    const { unacknowledged, next, acknowledgedBytes } = this.#sent;
    this.#sent = { unacknowledged, next: sequenceAfter(next, this.#answer.length), acknowledgedBytes };
    return this.#unacknowledged(nowMs);
  }

  /** What of the answer the client has not acknowledged, in segments. */
  #unacknowledged(nowMs: number): Uint8Array[] {
    const answer = this.#answer ?? NOTHING;
    const missing = sequenceDistance(this.#sent.unacknowledged, this.#sent.next);
    const packets: Uint8Array[] = [];
    for (let at = answer.length - missing; at < answer.length; at += ANSWER_SEGMENT_BYTES) {
      const isWhole = at === 0 && answer.length <= ANSWER_SEGMENT_BYTES;
      const payload = isWhole ? answer : answer.slice(at, at + ANSWER_SEGMENT_BYTES);
      const seq = sequenceAfter(this.#sent.next, at - answer.length);
      packets.push(this.#packet(TCP_PSH | TCP_ACK, seq, nowMs, payload));
    }
    return packets;
  }

  #synAck(nowMs: number): Uint8Array {
    const { unacknowledged: seq } = this.#sent;
    const options = synOptions(this.#syn.family === 4 ? 1460 : 1440, this.#stamp(nowMs));
    const ack = this.#receiver.expected;
    return this.#writer.write({ flags: TCP_SYN | TCP_ACK, seq, ack, window: RECEIVE_WINDOW_BYTES, options });
  }

  #packet(flags: number, seq: number, nowMs: number, payload?: Uint8Array): Uint8Array {
    return this.#writer.write({
      flags,
      seq,
      ack: this.#receiver.expected,
      window: RECEIVE_WINDOW_BYTES,
      options: this.#stamp(nowMs),
      payload,
    });
  }

  #stamp(nowMs: number): Uint8Array | undefined {
    return this.#timestamps ? timestampOption(nowMs >>> 0, this.#receiver.timestamp ?? 0) : undefined;
  }
}

/** The answer with zeros behind it, up to so many octets. */
export function answerOf(answer: Uint8Array, bytes: number): Uint8Array {
  if (bytes <= answer.length) return answer;
  const long = new Uint8Array(bytes);
  long.set(answer);
  return long;
}
