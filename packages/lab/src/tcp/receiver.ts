// The receiving half of a connection in ESTABLISHED: RFC 9293 section 3.10.7.4 with the additions of RFC 5961 and
// RFC 7323, in the order and with the choices of Linux 6.18. A segment passes these stations:
//   1. an MD5 signature that nobody agreed on (RFC 2385): discarded in silence
//   2. an old timestamp (PAWS): answered, unless it is a RST
//   3. the window: outside of it a segment is answered, a RST ignored
//   4. RST: resets at the very octet that is expected, is answered elsewhere in the window
//   5. SYN: answered
//   6. no ACK flag: discarded in silence
//   7. an acknowledgement of octets that were never sent: answered; of octets that were long acknowledged: answered,
//      but not where the segment has what is expected next and Linux predicted its header
//   8. the payload goes to the queue
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from "@bunnel/wire";
import { LinuxQueue } from "./linux-queue.ts";
import type { ReceiveQueue } from "./linux-queue.ts";
import { has, isSigned, sequenceBytes, timestampOf } from "./segment.ts";
import type { TcpSegment } from "./segment.ts";
import { sequenceAfter, sequenceDistance } from "./sequence.ts";

/** The window that the receiver holds open, octets; never scaled. */
export const RECEIVE_WINDOW_BYTES = 64240;
/** How far a TSval may lie before the last one: Linux takes clocks that differ by one tick. */
const TIMESTAMP_SLACK = 1;

/** What the receiver's own side has sent: bounds of a sensible acknowledgement. */
export interface SentSide {
  /** First octet that is not acknowledged (SND.UNA). */
  readonly unacknowledged: number;
  /** The next one to be sent (SND.NXT). */
  readonly next: number;
  /** Octets of data acknowledged so far. */
  readonly acknowledgedBytes: number;
}

export type Reception =
  /** Nothing happens. */
  | { readonly kind: "ignored" }
  /** Not used, but answered with an ACK that says what is expected. */
  | { readonly kind: "answered" }
  | { readonly kind: "reset" }
  /** Accepted; `octets` became readable, perhaps none. */
  | { readonly kind: "taken"; readonly octets: Uint8Array };

const NOTHING_TAKEN: Reception = { kind: "taken", octets: new Uint8Array(0) };
const IGNORED: Reception = { kind: "ignored" };
const ANSWERED: Reception = { kind: "answered" };
const RESET: Reception = { kind: "reset" };

export class TcpReceiver {
  readonly #firstSeq: number;
  readonly #queue: ReceiveQueue;
  /** TS.Recent; undefined: timestamps were not agreed on. */
  #timestamp: number | undefined;
  #finAt: number | undefined;

  /**
   * @param firstSeq sequence number of the first octet: the peer's SYN plus one
   * @param timestamp TSval of the peer's SYN, when both sides sent the option
   * @param queue what it makes of overlaps. Default: what Linux does
   */
  constructor(firstSeq: number, timestamp?: number, queue: ReceiveQueue = new LinuxQueue()) {
    this.#queue = queue;
    this.#firstSeq = firstSeq;
    this.#timestamp = timestamp;
  }

  /** The number to acknowledge (RCV.NXT). */
  get expected(): number {
    return sequenceAfter(this.#firstSeq, this.#queue.next + (this.finished ? 1 : 0));
  }

  /** All octets up to the peer's FIN were delivered. */
  get finished(): boolean {
    return this.#finAt !== undefined && this.#queue.next >= this.#finAt;
  }

  /** The TSval to echo; undefined without timestamps. */
  get timestamp(): number | undefined {
    return this.#timestamp;
  }

  /** Takes one segment whose checksums hold. Without `sent` acknowledgements are not judged. */
  receive(segment: TcpSegment, sent?: SentSide): Reception {
    const refusal = this.#refusal(segment, sent);
    if (refusal !== undefined) return refusal;
    const distance = sequenceDistance(this.expected, segment.seq);
    const stamp = timestampOf(segment);
    if (this.#timestamp !== undefined && stamp !== undefined && distance <= 0) this.#renewTimestamp(stamp);
    if (this.finished) return NOTHING_TAKEN;
    const from = this.#queue.next + distance;
    const room = RECEIVE_WINDOW_BYTES - distance;
    const bytes = segment.payloadBytes;
    if (has(segment, TCP_FIN) && bytes <= room) this.#finAt ??= from + bytes;
    if (bytes === 0) return NOTHING_TAKEN;
    return {
      kind: "taken",
      octets: this.#queue.take(from, bytes <= room ? segment.payload : segment.payload.subarray(0, room)),
    };
  }

  /** Stations 1 to 7. */
  #refusal(segment: TcpSegment, sent: SentSide | undefined): Reception | undefined {
    if (isSigned(segment)) return IGNORED;
    const reset = has(segment, TCP_RST);
    if (!reset && this.#isOld(segment)) return ANSWERED;
    const start = sequenceDistance(this.expected, segment.seq);
    if (start + sequenceBytes(segment) < 0 || start > RECEIVE_WINDOW_BYTES) return reset ? IGNORED : ANSWERED;
    if (reset) return start === 0 ? RESET : ANSWERED;
    if (has(segment, TCP_SYN)) return ANSWERED;
    if (!has(segment, TCP_ACK)) return IGNORED;
    if (sent === undefined || isSensible(segment.ack, sent)) return undefined;
    const isPredicted = this.#queue.predicts && start === 0 && (segment.flags & ~TCP_PSH) === TCP_ACK;
    return isPredicted && segment.payloadBytes > 0 && !isAhead(segment.ack, sent) ? undefined : ANSWERED;
  }

  #isOld(segment: TcpSegment): boolean {
    const stamp = timestampOf(segment);
    if (this.#timestamp === undefined || stamp === undefined) return false;
    return sequenceDistance(stamp, this.#timestamp) > TIMESTAMP_SLACK;
  }

  #renewTimestamp(stamp: number): void {
    if (sequenceDistance(this.#timestamp ?? stamp, stamp) >= 0) this.#timestamp = stamp;
  }
}

/** The same side after an acceptable acknowledgement. */
export function acknowledged(sent: SentSide, ack: number): SentSide {
  const bytes = sequenceDistance(sent.unacknowledged, ack);
  if (bytes <= 0) return sent;
  return { unacknowledged: ack, next: sent.next, acknowledgedBytes: sent.acknowledgedBytes + bytes };
}

/** RFC 5961 section 5.2, with the octets really acknowledged as the bound to the left. */
function isSensible(ack: number, sent: SentSide): boolean {
  if (isAhead(ack, sent)) return false;
  return sequenceDistance(ack, sent.unacknowledged) <= sent.acknowledgedBytes;
}

/** Acknowledges octets that were never sent. */
function isAhead(ack: number, sent: SentSide): boolean {
  return sequenceDistance(sent.next, ack) > 0;
}
