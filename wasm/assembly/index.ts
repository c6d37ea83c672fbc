// The export list, nothing else.
import { MetaFlag } from "@bunnel/abi/src/index";
import { openTable, track } from "./flow/table";
import { openLane } from "./mem/lane";
import { Meta, rxAt, rxBytes } from "./mem/meta";
import { enterRules, leaveRules } from "./rules/table";
import { matchIpv4 } from "./rules/address";
import { matchHost } from "./rules/host";
import { checksumAfter, checksumOf } from "./wire/checksum";
import { parse as parsePacket } from "./wire/packet";

export { expire } from "./flow/table";
export { poll } from "./process";
export { admit } from "./translate/admit";

/** Opens this instance's lane; see LaneFlag. Buckets: a power of two up to FLOW_BUCKETS_MAX. */
export function open(lane: i32, flags: u32, mtuBytes: i32, buckets: u32, seedLow: u32, seedHigh: u32): void {
  openLane(lane, flags, mtuBytes);
  openTable(buckets, seedLow, seedHigh);
  // Whoever had this lane before may have been killed in the middle of a burst.
  leaveRules();
}

/** Parses one packet into the record at `meta`; 1 when it could be read. */
export function parse(at: usize, bytes: i32, meta: usize): i32 {
  return parsePacket(at, bytes, Meta.at(meta)) ? 1 : 0;
}

/** Parses packets from..to of the burst into their records; how many could be read. */
export function parseBurst(from: i32, to: i32): i32 {
  let read = 0;
  for (let i = from; i < to; i++) {
    if (parsePacket(rxAt(i), rxBytes(i), Meta.of(i))) read++;
  }
  return read;
}

/** Parses and tracks packets from..to of the burst, nothing else; how many have a flow. */
export function trackBurst(from: i32, to: i32, now: u32): i32 {
  let tracked = 0;
  for (let i = from; i < to; i++) {
    const m = Meta.of(i);
    if (parsePacket(rxAt(i), rxBytes(i), m) && (m.flags & MetaFlag.Fragment) == 0 && track(rxAt(i), m, now) != 0)
      tracked++;
  }
  return tracked;
}

/** The Internet checksum of octets, as it lies in memory. */
export function checksum(at: usize, bytes: i32): u32 {
  return checksumOf(at, bytes);
}

/** The Internet checksums of packets from..to of the burst, all in one word: what tells that they are right. */
export function checksumBurst(from: i32, to: i32): u32 {
  let all: u32 = 0;
  for (let i = from; i < to; i++) all ^= checksumOf(rxAt(i), rxBytes(i));
  return all;
}

/** RFC 1624: the checksum after one word changed, all as they lie in memory. */
export function updateChecksum(sum: u32, oldWord: u32, newWord: u32): u32 {
  return checksumAfter(sum, oldWord, newWord);
}

/** How many of the names, each with its length (u16) before it, stand in a host set of the table in force. */
export function countHosts(at: usize, names: i32, set: u32): i32 {
  const table = enterRules();
  let found = 0;
  let p = at;
  for (let i = 0; i < names; i++) {
    const bytes = <i32>load<u16>(p);
    if (matchHost(table, set, p + 2, bytes)) found++;
    p += 2 + bytes;
  }
  leaveRules();
  return found;
}

/** How many of the IPv4 addresses, in network order, lie in an address set of the table in force. */
export function countAddresses(at: usize, addresses: i32, set: u32): i32 {
  const table = enterRules();
  let found = 0;
  for (let i = 0; i < addresses; i++) {
    if (matchIpv4(table, set, load<u32>(at + ((<usize>i) << 2)))) found++;
  }
  leaveRules();
  return found;
}

// Super-packets: merged for a device with offload, and cut.
export { coalesce, loosen } from "./offload/coalesce";
export { split } from "./offload/split";
