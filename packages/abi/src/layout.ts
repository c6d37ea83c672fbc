// The memory map. One shared memory, fixed in size; every region stands at a fixed place, so that the memory is the
// whole state.
//
//   0x0000_0000  zero page      4 KiB   never used: address 0 means none
//   0x0000_1000  control        4 KiB   words that host and all lanes share (Control)
//   0x0000_2000  rule counts   36 KiB   lanes × rules, u32 each: messages that the rule decided
//   0x0000_b000  (spare)       84 KiB   where tools have an instrumented engine write
//   0x0002_0000  flow tags      1 MiB   buckets × 64: | lock | tag × 7 |
//   0x0012_0000  flow entries   8 MiB   buckets × 8 × 64 (entry 0 of a bucket is never used)
//   0x0092_0000  rule tables    2 × 32 MiB, one active, one to be written
//   0x0492_0000  lanes          9 × 16 MiB (LANES_MAX)
//   0x0d92_0000  names        2.5 MiB   host names by address: buckets × ways (NAME_BUCKETS, NAME_WAYS)
//   0x0dba_0000  translations  25 MiB (see translate.ts)
//
//   lane:
//   0x00_0000  counters         4 KiB   u64 each (Counter)
//   0x00_1000  lane words       1 KiB   (LaneWord)
//   0x00_1400  wanted           u32 × RX_MAX    translations whose SYN is held, since the host looked last
//   0x00_1800  admissions       u32 × ADMISSIONS_MAX    what the host answers about them
//   0x00_2000  rx at            u32 × RX_MAX    where each packet of the burst starts
//   0x00_3000  rx lengths       u16 × RX_MAX    its octets
//   0x00_4000  rx metas         64 × RX_MAX     what the engine found and decided (Meta)
//   0x00_6000  tx at            u32 × TX_MAX
//   0x00_8000  tx lengths       u16 × TX_MAX
//   0x00_9000  tx delays        u16 × TX_MAX    milliseconds that the packet waits after those before it
//   0x00_a000  plan             message, steps
//   0x00_f000  name             a host name that the host found, or that was put together from labels
//   0x01_0000  scratch         128 KiB  a decoy, a changed message
//   0x03_0000  host            320 KiB: for the host's own system calls (iovec, mmsghdr, pollfd…)
//   0x08_0000  offload         256 KiB: packets of the tx list merged to super-packets (Group), their iovecs
//   0x0c_0000  rings           256 KiB: what the kernel and the host share without system calls (io_uring)
//   0x10_0000  rx slots          5 MiB  RX_MAX × SLOT_BIG_BYTES
//   0x60_0000  tx arena          6 MiB
//   0xc0_0000  queue           2.5 MiB  packets that wait because the way out is full
//   0xe8_0000  hold            1.5 MiB  messages that are not whole yet, or were planned a moment ago
//
//   slot: | headroom 128 … vnet header 10 | packet … |
//   The virtio_net_hdr of a packet, where there is one, lies in the ten octets before it.
import {
  CARRIED_FRAGMENTS_MAX,
  FLOW_BUCKETS_MAX,
  LANES_MAX,
  NAME_BUCKETS,
  NAME_WAYS,
  RULES_MAX,
  RX_MAX,
} from "./limits";
import { ADMISSIONS_MAX, TRANSLATE_BYTES } from "./translate";

export const WASM_PAGE_BYTES: i32 = 65536;
export const CONTROL_BASE: i32 = 0x1000;
export const RULE_COUNTS_BASE: i32 = 0x2000;
/** Of one lane. */
export const RULE_COUNTS_BYTES: i32 = RULES_MAX * 4;
export const FLOW_TAGS_BASE: i32 = 0x20000;
export const FLOW_BUCKET_BYTES: i32 = 64;
export const FLOW_ENTRIES_BASE: i32 = FLOW_TAGS_BASE + FLOW_BUCKETS_MAX * FLOW_BUCKET_BYTES;
export const FLOW_ENTRY_BYTES: i32 = 64;
export const RULES_BASE: i32 = FLOW_ENTRIES_BASE + FLOW_BUCKETS_MAX * 8 * FLOW_ENTRY_BYTES;
export const RULES_TABLE_BYTES: i32 = 0x2000000;
export const LANES_BASE: i32 = RULES_BASE + 2 * RULES_TABLE_BYTES;
export const LANE_BYTES: i32 = 0x1000000;
export const NAMES_BASE: i32 = LANES_BASE + LANES_MAX * LANE_BYTES;
export const NAME_BYTES: i32 = 320;
export const NAMES_BYTES: i32 = NAME_BUCKETS * NAME_WAYS * NAME_BYTES;
export const TRANSLATE_BASE: i32 = NAMES_BASE + NAMES_BYTES;
export const MEMORY_BYTES: i32 = TRANSLATE_BASE + TRANSLATE_BYTES;
export const MEMORY_PAGES: i32 = MEMORY_BYTES / WASM_PAGE_BYTES;

export const LANE_COUNTERS: i32 = 0;
export const LANE_WORDS: i32 = 0x1000;
/** CARRIED_FRAGMENTS_MAX × (u64 keyed hash of a datagram in fragments, u32 when it began, u32 1 when it is one) */
export const LANE_FRAGMENTS: i32 = 0x1200;
export const LANE_FRAGMENT_BYTES: i32 = 16;
export const LANE_WANTED: i32 = 0x1400;
export const LANE_ADMISSIONS: i32 = 0x1800;
export const LANE_RX_AT: i32 = 0x2000;
export const LANE_RX_LENGTHS: i32 = 0x3000;
export const LANE_METAS: i32 = 0x4000;
export const LANE_TX_AT: i32 = 0x6000;
export const LANE_TX_LENGTHS: i32 = 0x8000;
export const LANE_TX_DELAYS: i32 = 0x9000;
export const LANE_PLAN: i32 = 0xa000;
export const LANE_NAME: i32 = 0xf000;
export const LANE_SCRATCH: i32 = 0x10000;
export const LANE_SCRATCH_BYTES: i32 = 0x20000;
export const LANE_HOST: i32 = 0x30000;
export const LANE_HOST_BYTES: i32 = 0x50000;
export const LANE_OFFLOAD: i32 = 0x80000;
export const LANE_OFFLOAD_BYTES: i32 = 0x40000;
/** Starts at a page of the kernel's. */
export const LANE_RINGS: i32 = 0xc0000;
export const LANE_RINGS_BYTES: i32 = 0x40000;
export const LANE_RX_SLOTS: i32 = 0x100000;
export const LANE_TX_ARENA: i32 = 0x600000;
export const LANE_TX_ARENA_BYTES: i32 = 0x600000;
export const LANE_QUEUE: i32 = 0xc00000;
export const LANE_QUEUE_BYTES: i32 = 0x280000;
export const LANE_HOLD: i32 = 0xe80000;
export const LANE_HOLD_BYTES: i32 = 0x180000;

export const SLOT_HEADROOM_BYTES: i32 = 128;
/** A slot of a device without offload and with an MTU up to SLOT_SMALL_PACKET_BYTES. */
export const SLOT_SMALL_BYTES: i32 = 2048;
export const SLOT_SMALL_PACKET_BYTES: i32 = SLOT_SMALL_BYTES - SLOT_HEADROOM_BYTES;
/** A slot that takes a super-packet of a device with segmentation offload. */
export const SLOT_BIG_BYTES: i32 = 65536 + 256;
export const VNET_HEADER_BYTES: i32 = 10;
/**
 * Before a packet that the host answers, so many octets from its start, stands the resolver that is to be asked: u16
 * octets of it, and these as they stand in the rule table; 0 octets: no other than the host's own.
 */
export const RESOLVER_BEFORE_BYTES: i32 = 64;

/** What a host checks before it trusts this map: regions that end where the next begins. */
export function layoutFaults(): string[] {
  const faults: string[] = [];
  if (RULE_COUNTS_BASE + LANES_MAX * RULE_COUNTS_BYTES > FLOW_TAGS_BASE) faults.push("rule counts reach into flows");
  if (LANE_FRAGMENTS + CARRIED_FRAGMENTS_MAX * LANE_FRAGMENT_BYTES > LANE_WANTED)
    faults.push("fragments reach too far");
  if (LANE_WANTED + RX_MAX * 4 > LANE_ADMISSIONS) faults.push("the wanted translations reach into the admissions");
  if (LANE_ADMISSIONS + ADMISSIONS_MAX * 4 > LANE_RX_AT) faults.push("the admissions reach into the rx list");
  if (LANE_HOST + LANE_HOST_BYTES > LANE_OFFLOAD) faults.push("the host's range reaches into the offload");
  if (LANE_OFFLOAD + LANE_OFFLOAD_BYTES > LANE_RINGS) faults.push("the offload reaches into the rings");
  if (LANE_RINGS + LANE_RINGS_BYTES > LANE_RX_SLOTS) faults.push("the rings reach into the rx slots");
  if (LANE_RX_SLOTS + RX_MAX * SLOT_BIG_BYTES > LANE_TX_ARENA) faults.push("rx slots reach into the tx arena");
  if (LANE_TX_ARENA + LANE_TX_ARENA_BYTES > LANE_QUEUE) faults.push("the tx arena reaches into the queue");
  if (LANE_QUEUE + LANE_QUEUE_BYTES > LANE_HOLD) faults.push("the queue reaches into the hold");
  if (LANE_HOLD + LANE_HOLD_BYTES > LANE_BYTES) faults.push("the hold reaches past the lane");
  if (MEMORY_BYTES % WASM_PAGE_BYTES !== 0) faults.push("the memory is not a whole number of pages");
  return faults;
}
