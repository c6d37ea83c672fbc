// The common case in few steps: a datagram whose headers are those of the datagram before it, but for checksums and
// for an identification that means nothing. It is of the same flow, whole, of the same size and without options,
// because the other one is. Everything else goes the long way of `look` and `join`, which comes to the same.
import { GROUP_PACKETS_MAX, PACKET_MAX_BYTES } from "@bunnel/abi/src/index";
import { Vnet } from "../wire/vnet";
import { Item, Kind, setFollowing, txPacketAt, txPacketBytes } from "./item";
import { isSound } from "./verify";

/** Words as they lie in memory: all but the identification, and all but the header's checksum. */
const BUT_ID: u64 = ~((<u64>0xffff) << 32);
const BUT_CHECKSUM: u64 = ~((<u64>0xffff) << 16);
/** DF, in the first word. */
const DONT_FRAGMENT: u64 = (<u64>0x40) << 48;

/** Appends packet `i` to `open`, the item that the packet before it joined. False: nothing was done. */
export function repeats(open: Item, i: i32): bool {
  if (open.kind != Kind.Udp || open.endsShort || !open.isVerified || open.count >= GROUP_PACKETS_MAX) return false;
  const bytes = open.headerBytes + open.segmentBytes;
  if (txPacketBytes(i) != bytes || open.headerBytes + open.payloadBytes + open.segmentBytes > PACKET_MAX_BYTES) {
    return false;
  }
  const p = txPacketAt(i);
  const q = open.at;
  if (!(open.family == 4 ? isSame4(p, q) : isSame6(p, q)) || Vnet.of(p).isSuper) return false;
  if (!isSound(p, open, bytes - open.l4Offset)) return false;
  setFollowing(open.tail, i);
  open.tail = i;
  open.count++;
  open.payloadBytes += open.segmentBytes;
  return true;
}

/** Of a datagram with DF: addresses, ports and both lengths are the same, and what else the headers say. */
function isSame4(p: usize, q: usize): bool {
  const first = load<u64>(p);
  if ((first & DONT_FRAGMENT) == 0 || ((first ^ load<u64>(q)) & BUT_ID) != 0) return false;
  if (((load<u64>(p, 8) ^ load<u64>(q, 8)) & BUT_CHECKSUM) != 0 || load<u64>(p, 16) != load<u64>(q, 16)) return false;
  return load<u16>(p, 24) == load<u16>(q, 24) && load<u16>(p, 26) != 0;
}

function isSame6(p: usize, q: usize): bool {
  if (load<u64>(p) != load<u64>(q) || load<u32>(p, 40) != load<u32>(q, 40)) return false;
  if (load<u64>(p, 8) != load<u64>(q, 8) || load<u64>(p, 16) != load<u64>(q, 16)) return false;
  if (load<u64>(p, 24) != load<u64>(q, 24) || load<u64>(p, 32) != load<u64>(q, 32)) return false;
  return load<u16>(p, 44) == load<u16>(q, 44) && load<u16>(p, 46) != 0;
}
