// The end axis: how a client's RST or FIN, or its bare ACK, makes a box lose the place.
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from "@bunnel/wire";
import type { TcpSegment } from "../tcp/segment.ts";
import type { CreationAxis, EndAxis } from "./axes.ts";
import type { Flow } from "./flow.ts";

/** Flags that tell kinds of segments apart; those of congestion (RFC 3168) do not. */
const KIND_FLAGS = TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN | TCP_RST | TCP_URG;
const END_FLAGS: Readonly<Record<EndAxis["flags"][number], number>> = {
  R: TCP_RST,
  RA: TCP_RST | TCP_ACK,
  F: TCP_FIN,
  FA: TCP_FIN | TCP_ACK,
};

/** Whether the segment, of whatever connection, makes the box look at nothing any more. */
export function putsToSleep({ end }: CreationAxis, segment: TcpSegment): boolean {
  return end?.must === "box" && isEnd(end, segment);
}

function isEnd(end: EndAxis, segment: TcpSegment): boolean {
  const flags = segment.flags & KIND_FLAGS;
  return end.flags.some((word) => END_FLAGS[word] === flags);
}

/** "goes on": the segment is read. "taken": it told the box something and is not read. */
export function endsWatch(
  { ack, end }: CreationAxis,
  segment: TcpSegment,
  position: number,
  flow: Flow,
): "goes on" | "taken" {
  const flags = segment.flags & KIND_FLAGS;
  const isBareAck = flags === TCP_ACK && segment.payloadBytes === 0;
  if (isBareAck && (ack === "moves" || (ack === "moves-when-elsewhere" && position !== flow.next))) {
    flow.next = position;
    return "taken";
  }
  if (end !== undefined && isEnd(end, segment)) {
    if (end.must === "place" && position !== flow.next) return "goes on";
    if (end.does === "forgets") flow.state = "forgotten";
    else flow.resync = end.does;
    return "taken";
  }
  if (flow.resync === undefined || (flow.resync === "skips" && position !== flow.next)) return "goes on";
  const isRead = flow.resync === "moves";
  flow.resync = undefined;
  flow.next = isRead ? position : position + segment.payloadBytes;
  return isRead ? "goes on" : "taken";
}
