// What a model does when it finds a name: the packet disappears, and with "rst" both sides are told that the other one
// ended the connection.
import { tcpPacket } from "@bunnel/wire";
import { sequenceBytes } from "../tcp/segment.ts";
import type { TcpSegment } from "../tcp/segment.ts";
import { sequenceAfter, sequenceDistance } from "../tcp/sequence.ts";
import type { Injection, Judgement, Reaction } from "./censor.ts";

/**
 * The answer to an outbound segment that holds or completes the name.
 * @param serverExpects the last number that the server acknowledged, if the model watched; else the segment's own
 */
export function react(reaction: Reaction, matched: string, segment: TcpSegment, serverExpects?: number): Judgement {
  if (reaction === "drop") return { forward: false, matched };
  return { forward: false, matched, inject: [resetClient(segment), resetServer(segment, serverExpects)] };
}

/** Takes the number that the client waits for from the acknowledgement in its own segment. */
function resetClient(segment: TcpSegment): Injection {
  const packet = tcpPacket({
    source: segment.destination,
    destination: segment.source,
    sourcePort: segment.destinationPort,
    destinationPort: segment.sourcePort,
    seq: segment.ack,
    ack: sequenceAfter(segment.seq, sequenceBytes(segment)),
    flags: "RA",
  });
  return { packet, to: "client" };
}

/**
 * A server resets only at the very octet that it expects (RFC 5961 section 3.2). The matched segment never reaches it,
 * so that octet is the segment's first one, unless the server acknowledged some of the segment's octets already.
 */
function resetServer(segment: TcpSegment, serverExpects: number | undefined): Injection {
  const ahead = serverExpects === undefined ? 0 : sequenceDistance(segment.seq, serverExpects);
  const packet = tcpPacket({
    source: segment.source,
    destination: segment.destination,
    sourcePort: segment.sourcePort,
    destinationPort: segment.destinationPort,
    seq: sequenceAfter(segment.seq, Math.max(0, ahead)),
    flags: "R",
  });
  return { packet, to: "server" };
}
