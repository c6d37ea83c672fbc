// The client's address in a packet becomes the router's and back, its checksums moved with it (RFC 3022 section 4.2): a
// wrong one stays wrong.
import { copyOf } from "../lent-octets.ts";

/** The low octets of the router's address; the client's have 7 in their place. */
const MOVE = 0x40;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

/** A copy with one octet of the client's address moved, and the checksums with it. */
export function movedAddress(packet: Uint8Array, direction: "outbound" | "inbound"): Uint8Array {
  const copy = copyOf(packet);
  const isIpv4 = (packet[0] ?? 0) >> 4 === 4;
  const at = isIpv4 ? (direction === "outbound" ? 15 : 19) : direction === "outbound" ? 23 : 39;
  if (copy.length < (isIpv4 ? 20 : 40)) return copy;
  const old = copy[at] ?? 0;
  const moved = (old ^ MOVE) & 0xff;
  copy[at] = moved;
  // The octet is the low one of its word.
  const change = moved - old;
  if (isIpv4) update(copy, 10, change);
  const checksumAt = transportChecksumAt(copy, isIpv4);
  if (checksumAt !== undefined) update(copy, checksumAt, change);
  return copy;
}

function transportChecksumAt(packet: Uint8Array, isIpv4: boolean): number | undefined {
  const l4At = isIpv4 ? ((packet[0] ?? 0) & 15) * 4 : 40;
  const protocol = isIpv4 ? packet[9] : packet[6];
  const isLaterFragment = isIpv4 && ((((packet[6] ?? 0) & 0x1f) << 8) | (packet[7] ?? 0)) !== 0;
  if (isLaterFragment) return undefined;
  const offset = protocol === PROTOCOL_TCP ? 16 : protocol === PROTOCOL_UDP ? 6 : undefined;
  return offset === undefined || l4At + offset + 2 > packet.length ? undefined : l4At + offset;
}

/** The checksum at `at` after a word of the data grew by `change` (RFC 1624). */
function update(packet: Uint8Array, at: number, change: number): void {
  const old = (((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0)) ^ 0xffff;
  let sum = old + change;
  if (sum < 0) sum += 0xffff;
  if (sum > 0xffff) sum -= 0xffff;
  const made = sum ^ 0xffff;
  packet[at] = made >> 8;
  packet[at + 1] = made & 0xff;
}
