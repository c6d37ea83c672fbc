// Host names by address, as the answers to DNS queries told them: what a SYN is for, which carries no name itself. The
// host writes, lanes read; a name that is being written just then is not seen.
import {
  CONTROL_BASE,
  CONTROL_NAMES,
  HOST_MAX_BYTES,
  LANE_NAME,
  NAME_ADDRESS,
  NAME_BUCKETS,
  NAME_BYTES,
  NAME_HASH_MULTIPLIER,
  NAME_HASH_OFFSET,
  NAME_LENGTH,
  NAME_TEXT,
  NAME_TURN,
  NAME_UNTIL,
  NAME_WAYS,
  NAMES_BASE,
} from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";
import { Meta } from "../mem/meta";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";

if ((NAME_BUCKETS & (NAME_BUCKETS - 1)) != 0) ERROR("buckets of names must be a power of two");
if (NAME_TEXT + HOST_MAX_BYTES > NAME_BYTES) ERROR("a place must hold the longest name");

/** Writes to LANE_NAME what the packet's destination was last called; its octets, 0: nobody knows. */
export function nameOfDestination(p: usize, m: Meta, now: u32): i32 {
  if (atomic.load<u32>(CONTROL_BASE + CONTROL_NAMES) == 0) return 0;
  // In words, as they lie in memory; IPv4 as ::ffff:a.b.c.d.
  let a: u32 = 0;
  let b: u32 = 0;
  let c: u32 = 0xffff0000;
  let d: u32 = 0;
  if (m.family == 4) d = Ipv4.at(p).destination;
  else {
    const at = Ipv6.at(p).destinationAt;
    a = load<u32>(at);
    b = load<u32>(at, 4);
    c = load<u32>(at, 8);
    d = load<u32>(at, 12);
  }
  const bucket = mix(mix(mix(mix(NAME_HASH_OFFSET, a), b), c), d) & (NAME_BUCKETS - 1);
  const first = <usize>NAMES_BASE + <usize>bucket * NAME_WAYS * NAME_BYTES;
  for (let way = 0; way < NAME_WAYS; way++) {
    const place = first + <usize>way * NAME_BYTES;
    const turn = atomic.load<u32>(place + NAME_TURN);
    if ((turn & 1) != 0) continue;
    if (load<u32>(place + NAME_ADDRESS) != a || load<u32>(place + NAME_ADDRESS + 4) != b) continue;
    if (load<u32>(place + NAME_ADDRESS + 8) != c || load<u32>(place + NAME_ADDRESS + 12) != d) continue;
    const bytes = min<i32>(load<u16>(place + NAME_LENGTH), HOST_MAX_BYTES);
    if (bytes == 0 || <i32>(load<u32>(place + NAME_UNTIL) - now) <= 0) continue;
    memory.copy(lane + LANE_NAME, place + NAME_TEXT, bytes);
    if (atomic.load<u32>(place + NAME_TURN) == turn) return bytes;
  }
  return 0;
}

function mix(hash: u32, word: u32): u32 {
  const mixed = (hash ^ word) * NAME_HASH_MULTIPLIER;
  return mixed ^ (mixed >>> 15);
}
