// Points of a message: marker ± offset to octet offset, as the engine has them.
import type { Point } from "@bunnel/profile";
import type { StreamMessage } from "../message/first-message.ts";

/** Octets from the message's start; undefined when it does not have this point inside it. */
export function placeOfPoint(message: StreamMessage, { marker, offset }: Point): number | undefined {
  const base = markerPlace(message, marker, offset);
  if (base === undefined) return undefined;
  const at = base + offset;
  return at > 0 && at < message.bytes ? at : undefined;
}

function markerPlace(message: StreamMessage, marker: Point["marker"], offset: number): number | undefined {
  const { kind, host, hostOffset, hostBytes, sniExtOffset, bytes } = message;
  if (marker === "absolute") return offset < 0 ? bytes : 0;
  if (marker === "method") return kind === "http" ? 0 : undefined;
  if (marker === "sniext") return sniExtOffset > 0 ? sniExtOffset : undefined;
  if (host === undefined || hostOffset === 0) return undefined;
  if (marker === "host") return hostOffset;
  if (marker === "endhost") return hostOffset + hostBytes;
  // Behind the second-level label: in www.example.org the last dot; a name of one label is its own.
  const lastDot = host.lastIndexOf(".");
  const end = lastDot > 0 ? lastDot : host.length;
  const start = host.lastIndexOf(".", end - 1) + 1;
  if (marker === "endsld") return hostOffset + end;
  if (marker === "sld") return hostOffset + start;
  return hostOffset + start + ((end - start + 1) >> 1);
}
