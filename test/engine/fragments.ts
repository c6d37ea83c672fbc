// Joins IP fragments as an endpoint does, in the order in which they arrive.
import { decodePacket, ipPacket } from "@bunnel/wire";

interface Waiting {
  readonly pieces: Map<number, Uint8Array>;
  bytes: number | undefined;
}

/** The packets with all fragments that belong together joined; what is incomplete is left out. */
export function joinFragments(packets: readonly Uint8Array[]): Uint8Array[] {
  const waiting = new Map<string, Waiting>();
  return packets.flatMap((packet) => {
    const {
      family,
      fragment,
      fragmentOffset,
      moreFragments,
      l4Offset,
      source,
      destination,
      protocol,
      hopLimit,
      totalBytes,
    } = decodePacket(packet);
    if (family === 0 || !fragment) return [packet];
    const id = family === 4 ? packet.slice(4, 6) : packet.slice(44, 48);
    const key = `${source} ${destination} ${protocol} ${Buffer.from(id).toString("hex")}`;
    const known = waiting.get(key) ?? { pieces: new Map<number, Uint8Array>(), bytes: undefined };
    waiting.set(key, known);
    const octets = packet.slice(l4Offset, totalBytes);
    known.pieces.set(fragmentOffset * 8, octets);
    if (!moreFragments) known.bytes = fragmentOffset * 8 + octets.length;
    const whole = joined(known);
    if (whole === undefined) return [];
    waiting.delete(key);
    return [ipPacket({ source, destination, protocol, hopLimit, payload: whole })];
  });
}

function joined({ pieces, bytes }: Waiting): Uint8Array | undefined {
  if (bytes === undefined) return undefined;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const [from, octets] of [...pieces].toSorted(([a], [b]) => a - b)) {
    if (from !== at) return undefined;
    whole.set(octets, from);
    at += octets.length;
  }
  return at === bytes ? whole : undefined;
}
