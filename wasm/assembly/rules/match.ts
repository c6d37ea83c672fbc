// Flow and message to rule: the first rule that matches decides.
import {
  HOST_HASH,
  HOST_HASH_MULTIPLIER,
  HOST_HASH_OFFSET,
  HOST_MATCH,
  HOST_PLACE_BYTES,
  HOST_PROBES_MAX,
  HOST_SET,
  HOST_TEXT_AT,
  HOST_TEXT_BYTES,
  HostMatch,
  RULE_FAMILY_MASK,
  RULE_HOST_SET,
  RULE_L7_MASK,
  RULE_PORT_COUNT,
  RULE_PORTS,
  RULE_ADDRESS_SET,
  RULE_DIRECTION_MASK,
  RULE_PACKET_FIRST,
  RULE_PACKET_LAST,
} from "@bunnel/abi/src/index";
import { Message } from "../l7/message";
import { Meta } from "../mem/meta";
import { matchAddress } from "./address";
import { hostPlacesAt, hostPlacesMask, isFilteredOut, ruleAt, ruleCount } from "./table";

const DOT: u8 = 46;

/** Index of the rule that decides about this message; -1: none does. */
export function matchRule(table: usize, p: usize, m: Meta, message: Message): i32 {
  const n = ruleCount(table);
  const family: u32 = m.family == 4 ? 1 : 2;
  const direction: u32 = 1 << m.direction;
  for (let i = 0; i < n; i++) {
    const rule = ruleAt(table, i);
    if ((load<u8>(rule + RULE_L7_MASK) & (1 << message.l7)) == 0) continue;
    if ((load<u8>(rule + RULE_FAMILY_MASK) & family) == 0) continue;
    if (!matchPort(rule, m.destinationPort) || !matchPlace(rule, m.packetNumber, direction)) continue;
    const addresses: u32 = load<u16>(rule + RULE_ADDRESS_SET);
    if (addresses != 0 && !matchAddress(table, addresses, p, m.family)) continue;
    const set: u32 = load<u16>(rule + RULE_HOST_SET);
    if (set == 0 || matchHost(table, set, message.hostAt, message.hostBytes)) return i;
  }
  return -1;
}

/** Whether the port is one of the rule's. */
export function matchPort(rule: usize, port: u32): bool {
  const n = <i32>load<u16>(rule + RULE_PORT_COUNT);
  if (n == 0) return true;
  for (let i = 0; i < n; i++) {
    const range = rule + RULE_PORTS + ((<usize>i) << 2);
    if (port >= load<u16>(range) && port <= load<u16>(range, 2)) return true;
  }
  return false;
}

/** Where the packet stands in its flow. */
function matchPlace(rule: usize, number: u32, direction: u32): bool {
  const directions = load<u8>(rule + RULE_DIRECTION_MASK);
  if (directions != 0 && (directions & direction) == 0) return false;
  const last = load<u16>(rule + RULE_PACKET_LAST);
  return last == 0 || (number >= load<u16>(rule + RULE_PACKET_FIRST) && number <= last);
}

/** Whether the name, or a name above it, stands in the set. One walk from the last label to the first. */
export function matchHost(table: usize, set: u32, name: usize, bytes: i32): boolean {
  let length = bytes;
  if (length > 0 && load<u8>(name + <usize>(length - 1)) == DOT) length--;
  let hash: u32 = HOST_HASH_OFFSET;
  let end = length;
  // Every turn goes at least one octet to the left.
  while (end > 0) {
    const start = labelStart(name, end);
    hash = hashLabel(hash, name + <usize>start, end - start);
    if (lookUp(table, set, hash, name + <usize>start, length - start, start == 0)) return true;
    end = start - 1;
  }
  return false;
}

/** Where the label starts that ends before `end`. */
function labelStart(name: usize, end: i32): i32 {
  const dots = i8x16.splat(DOT);
  for (let stop = end; stop > 0; stop -= 16) {
    // The sixteen octets before `stop`; those before the name are somebody's, and do not count.
    let found = i8x16.bitmask(i8x16.eq(v128.load(name + <usize>stop - 16), dots));
    if (stop < 16) found = found & (0xffff << (16 - stop));
    if (found != 0) return stop - 16 + (32 - <i32>clz<u32>(found));
  }
  return 0;
}

/** The label of `bytes` octets added to the hash of those behind it. */
function hashLabel(hash: u32, label: usize, bytes: i32): u32 {
  let mixed = hash ^ <u32>bytes;
  for (let left = bytes; left > 0; left -= 4) {
    const before: u32 = left < 4 ? (4 - left) << 3 : 0;
    const word = (lower4(load<u32>(label + <usize>left - 4)) >>> before) << before;
    mixed = (mixed ^ word) * HOST_HASH_MULTIPLIER;
    mixed ^= mixed >>> 15;
  }
  return mixed;
}

/** Four octets at once, letters A to Z turned to a to z: no sum leaves its octet, because bit 7 is kept out of it. */
function lower4(octets: u32): u32 {
  const low = octets & 0x7f7f7f7f;
  const fromA = low + 0x3f3f3f3f;
  const aboveZ = low + 0x25252525;
  const isLetter = fromA & ~aboveZ & ~octets & 0x80808080;
  return octets | (isLetter >>> 2);
}

function lookUp(table: usize, set: u32, hash: u32, name: usize, bytes: i32, isWhole: bool): bool {
  const wanted: u32 = hash == 0 ? 1 : hash;
  if (isFilteredOut(table, wanted)) return false;
  const places = hostPlacesAt(table);
  const mask = hostPlacesMask(table);
  for (let i: u32 = 0; i < <u32>HOST_PROBES_MAX; i++) {
    const place = places + <usize>((wanted + i) & mask) * HOST_PLACE_BYTES;
    const found = load<u32>(place + HOST_HASH);
    if (found == 0) return false;
    if (found != wanted || load<u16>(place + HOST_SET) != set || load<u16>(place + HOST_TEXT_BYTES) != bytes) continue;
    if (!isWhole && load<u16>(place + HOST_MATCH) != HostMatch.Suffix) continue;
    if (sameName(table + load<u32>(place + HOST_TEXT_AT), name, bytes)) return true;
  }
  return false;
}

function sameName(text: usize, name: usize, bytes: i32): bool {
  let left = bytes;
  for (; left >= 4; left -= 4) {
    if (load<u32>(text + <usize>left - 4) != lower4(load<u32>(name + <usize>left - 4))) return false;
  }
  for (let i: usize = 0; i < <usize>left; i++) {
    if (<u32>load<u8>(text + i) != (lower4(load<u8>(name + i)) & 0xff)) return false;
  }
  return true;
}
