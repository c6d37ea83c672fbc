// The packets that a box makes.
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST } from "@bunnel/wire";
import type { SeededRandom } from "../link/random.ts";
import { sequenceBytes } from "../tcp/segment.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import { SegmentWriter } from "../tcp/segment-writer.ts";
import { sequenceAfter, sequenceDistance } from "../tcp/sequence.ts";
import type { Forgery } from "./axes.ts";
import type { Injection } from "./censor.ts";

/** Where a client is sent that asks for a blocked page. */
export const BLOCK_PAGE: Uint8Array = new TextEncoder().encode(
  "HTTP/1.1 302 Found\r\nLocation: http://blocked.example.org/\r\nContent-Length: 0\r\n\r\n",
);

/** What the box knows beside the packet that it saw. */
export interface Occasion {
  readonly segment: TcpSegment;
  /** The last number that the server acknowledged, if the box watched. */
  readonly serverExpects: number | undefined;
  readonly random: SeededRandom;
}

type ResetForgery = Extract<Forgery, { kind: "reset" }>;

export function forge(forgeries: readonly Forgery[], occasion: Occasion): readonly Injection[] {
  return forgeries.flatMap((forgery): Injection[] => {
    if (forgery.kind === "page") return [{ packet: page(forgery.id, occasion), to: "client" }];
    const make = forgery.to === "client" ? resetClient : resetServer;
    const behind = forgery.at === "end";
    return Array.from({ length: forgery.times }, () => ({ packet: make(forgery, occasion), to: forgery.to, behind }));
  });
}

/** Takes the number that the client waits for from the acknowledgement in its own segment. */
function resetClient(forgery: ResetForgery, { segment, random }: Occasion): Uint8Array {
  return towardsClient(segment).write({
    seq: segment.ack,
    ack: forgery.ack ? sequenceAfter(segment.seq, sequenceBytes(segment)) : 0,
    flags: forgery.ack ? TCP_RST | TCP_ACK : TCP_RST,
    ...looksOf(forgery, random),
  });
}

/**
 * A server resets only at the very octet that it expects (RFC 5961 section 3.2). Where the matched segment never
 * reaches it, that octet is the segment's first one, unless the server acknowledged some of its octets already.
 */
function resetServer(forgery: ResetForgery, { segment, serverExpects, random }: Occasion): Uint8Array {
  const { seq } = segment;
  const ahead = serverExpects === undefined ? 0 : Math.max(0, sequenceDistance(seq, serverExpects));
  const at = { expected: sequenceAfter(seq, ahead), start: seq, end: sequenceAfter(seq, sequenceBytes(segment)) };
  return new SegmentWriter({
    source: segment.source,
    destination: segment.destination,
    sourcePort: segment.sourcePort,
    destinationPort: segment.destinationPort,
  }).write({
    seq: at[forgery.at],
    ack: forgery.ack ? segment.ack : 0,
    flags: forgery.ack ? TCP_RST | TCP_ACK : TCP_RST,
    ...looksOf(forgery, random),
  });
}

function page(id: number, { segment }: Occasion): Uint8Array {
  return towardsClient(segment).write({
    seq: segment.ack,
    ack: sequenceAfter(segment.seq, sequenceBytes(segment)),
    flags: TCP_FIN | TCP_PSH | TCP_ACK,
    id,
    payload: BLOCK_PAGE,
  });
}

function towardsClient(segment: TcpSegment): SegmentWriter {
  return new SegmentWriter({
    source: segment.destination,
    destination: segment.source,
    sourcePort: segment.destinationPort,
    destinationPort: segment.sourcePort,
  });
}

function looksOf(forgery: ResetForgery, random: SeededRandom) {
  const id = forgery.id === "random" ? random.next() & 0xffff : (forgery.id ?? 1);
  return {
    id,
    dontFragment: forgery.dontFragment ?? true,
    ...(forgery.window !== undefined && { window: forgery.window }),
    ...(forgery.payload !== undefined && { payload: Uint8Array.from(forgery.payload) }),
  };
}
