// Points of a message: marker ± offset to octet offset.
import { L7, Marker } from "@bunnel/abi/src/index";
import { Message } from "../l7/message";

const DOT: u8 = 46;

/** Octets from the message's start; -1 when the message does not have this point inside it. */
export function resolvePoint(message: Message, marker: u32, offset: i32): i32 {
  const base = markerAt(message, marker, offset);
  if (base < 0) return -1;
  const at = base + offset;
  return at > 0 && at < message.bytes ? at : -1;
}

function markerAt(message: Message, marker: u32, offset: i32): i32 {
  if (marker == Marker.Absolute) return offset < 0 ? message.bytes : 0;
  if (marker == Marker.Method) return message.l7 == L7.Http ? 0 : -1;
  if (marker == Marker.SniExt) return message.sniExtOffset;
  if (message.hostOffset < 0) return -1;
  if (marker == Marker.Host) return message.hostOffset;
  if (marker == Marker.EndHost) return message.hostOffset + message.hostBytes;
  const end = sldEnd(message);
  if (marker == Marker.EndSld) return end;
  const start = sldStart(message, end);
  if (marker == Marker.Sld) return start;
  if (marker == Marker.MidSld) return start + ((end - start + 1) >> 1);
  return -1;
}

/** Behind the second-level label: in www.example.org the last dot; a name of one label is its own. */
function sldEnd(message: Message): i32 {
  const dot = lastDot(message.at + <usize>message.hostOffset, message.hostBytes);
  return message.hostOffset + (dot > 0 ? dot : message.hostBytes);
}

/** The first octet of the second-level label, which ends at `end`. */
function sldStart(message: Message, end: i32): i32 {
  return message.hostOffset + lastDot(message.at + <usize>message.hostOffset, end - message.hostOffset) + 1;
}

/** The last dot among so many octets; -1: none. What is read before them does not count. */
function lastDot(at: usize, bytes: i32): i32 {
  const dots = i8x16.splat(DOT);
  for (let stop = bytes; stop > 0; stop -= 16) {
    const found = <u32>i8x16.bitmask(i8x16.eq(v128.load(at + <usize>stop - 16), dots));
    // The sixteen octets before `stop`, the highest bit being the last of them.
    const last = stop - 1 - <i32>clz<u32>(found << 16);
    if (found != 0) return max<i32>(last, -1);
  }
  return -1;
}
