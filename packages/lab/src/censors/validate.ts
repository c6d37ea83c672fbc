// The validation axis: what a box discards because the server will.
import { TCP_ACK, TCP_SYN } from "@bunnel/wire";
import { ipChecksumHolds } from "../ip/checksum.ts";
import { RECEIVE_WINDOW_BYTES } from "../tcp/receiver.ts";
import { has, timestampOf } from "../tcp/segment.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import { sequenceDistance } from "../tcp/sequence.ts";
import type { Validation } from "./axes.ts";
import type { Flow } from "./flow.ts";

/** How far an acknowledgement may lie before the last one that made sense: what a window of old octets is. */
const ACK_SLACK_BYTES = RECEIVE_WINDOW_BYTES;

/** The axis as a question for each value, which costs less to ask for each packet than the list. */
export type LooksAt = Readonly<Record<Validation, boolean>>;

export function looksAtOf(axis: readonly Validation[]): LooksAt {
  return {
    checksum: axis.includes("checksum"),
    hops: axis.includes("hops"),
    window: axis.includes("window"),
    ack: axis.includes("ack"),
    timestamps: axis.includes("timestamps"),
    fragments: axis.includes("fragments"),
  };
}

/** Whether a packet gets as far as the server. */
export function arrives(packet: Uint8Array, hopsToServer: number): boolean {
  const hopLimit = (packet[0] ?? 0) >> 4 === 6 ? packet[7] : packet[8];
  return (hopLimit ?? 0) > hopsToServer;
}

export function checksumsHold(segment: TcpSegment, packet: Uint8Array): boolean {
  return ipChecksumHolds(packet) && segment.checksumHolds;
}

/** Whether a segment of a known flow is one that the server would read, as far as the box looks. */
export function isAcceptable(looksAt: LooksAt, segment: TcpSegment, position: number, flow: Flow): boolean {
  if (has(segment, TCP_SYN)) return true;
  if (looksAt.window && !isInWindow(segment, position, flow)) return false;
  if (looksAt.ack && !acknowledgesSense(segment, flow)) return false;
  return !looksAt.timestamps || isFresh(segment, flow);
}

/** Octets that the server acknowledged are of no use to it again, nor are those behind its window. */
function isInWindow(segment: TcpSegment, position: number, flow: Flow): boolean {
  const expected = flow.serverExpects === undefined ? 0 : sequenceDistance(flow.firstSeq, flow.serverExpects);
  return position + segment.payloadBytes > expected && position <= expected + RECEIVE_WINDOW_BYTES;
}

function acknowledgesSense(segment: TcpSegment, flow: Flow): boolean {
  if (!has(segment, TCP_ACK)) return false;
  if (flow.serverNext === undefined) return true;
  const ahead = sequenceDistance(flow.serverNext, segment.ack);
  return ahead <= 0 && ahead >= -ACK_SLACK_BYTES;
}

/** PAWS (RFC 7323 section 5). */
function isFresh(segment: TcpSegment, flow: Flow): boolean {
  const stamp = timestampOf(segment);
  if (stamp === undefined || flow.stamp === undefined) return true;
  const passed = sequenceDistance(flow.stamp, stamp);
  if (passed < 0) return false;
  flow.stamp = stamp;
  return true;
}
