// Merging and cutting of super-packets by themselves: packets of the tx list, the last one flush with the memory's end.
// What was merged and is taken apart again is what came; what is cut is what the plain codec cuts.
import { GROUP_BYTES, TX_MAX, VNET_HEADER_BYTES } from "@bunnel/abi";
import type { Lane } from "@bunnel/engine";
import { GSO_ECN, GSO_NONE, segmentSuperPacket, verifyChecksums, WireError } from "@bunnel/wire";
import type { EngineUnderTest } from "./engine-under-test.ts";
import type { FuzzInput, FuzzPacket } from "./input.ts";
import { withoutSums } from "./meaning.ts";
import type { ProbeScan } from "./probe-scan.ts";
import { BrokenLaw, type FuzzTarget, law } from "./target.ts";

type Framed = Pick<FuzzPacket, "header" | "octets">;
const NONE: Framed = { header: new Uint8Array(VNET_HEADER_BYTES), octets: new Uint8Array() };
/** Octets between one packet and the virtio header of the next. */
const GAP_BYTES = 32;
const GROUP_WORDS = GROUP_BYTES / 4;
const PIECE_BYTES = 16;
/** A process address above 32 bits. */
const BASE_HIGH = 0x7f12;

export class OffloadTarget implements FuzzTarget {
  readonly name = "offload";
  readonly probeCount: number;
  readonly counters: Uint8Array;
  readonly scan: ProbeScan;
  readonly #lane: Lane;
  readonly #words: Uint32Array;

  constructor(private readonly under: EngineUnderTest) {
    this.probeCount = under.probeCount;
    this.counters = under.counters;
    this.scan = under.scan;
    this.#lane = under.lane({ plan: false, track: false, rxVnet: true, txVnet: true });
    this.#words = new Uint32Array(under.memory.buffer);
  }

  run({ options, packets: given }: FuzzInput): void {
    const packets = given.map(withWholeHeader);
    this.#merge(packets, allowedBy(options));
    for (const packet of packets) this.#cut(packet);
  }

  confirm({ options, packets: given }: FuzzInput): void {
    const packets = given.map(withWholeHeader);
    const groups = this.#merge(packets, allowedBy(options));
    const merged = Array.from({ length: groups }, (_, group) => this.#gather(group));
    for (const [group, whole] of merged.entries()) this.#checkGroup(group, whole, packets);
    for (const packet of packets) this.#checkCut(packet);
  }

  /** Lists the packets and merges them; every packet is in one group, at one place. Returns the groups. */
  #merge(packets: readonly Framed[], allowed: number): number {
    const { octets } = this.under;
    const { tx, exports, groups } = this.#lane;
    let end = octets.length;
    for (let i = packets.length - 1; i >= 0; i--) {
      const packet = packets[i];
      if (packet === undefined) continue;
      const at = end - packet.octets.length;
      octets.set(packet.octets, at);
      octets.set(packet.header, at - VNET_HEADER_BYTES);
      tx.at[i] = at;
      tx.lengths[i] = packet.octets.length;
      end = at - VNET_HEADER_BYTES - GAP_BYTES;
    }
    const count = exports.coalesce(0, packets.length, allowed, 0, BASE_HIGH);
    let pieces = 0;
    for (let group = 0; group < count; group++) {
      if (groups.records[group * GROUP_WORDS] !== pieces) throw new BrokenLaw("merge: expected pieces side by side");
      pieces += groups.records[group * GROUP_WORDS + 1] ?? 0;
    }
    if (pieces !== packets.length) throw new BrokenLaw(`merge: expected ${packets.length} pieces, found ${pieces}`);
    return count;
  }

  /** A group as writev(2) would send it. */
  #gather(group: number): Uint8Array {
    const { groups } = this.#lane;
    const [first = 0, pieces = 0, , octets = 0] = groups.records.subarray(group * GROUP_WORDS);
    const whole = new Uint8Array(octets);
    let filled = 0;
    for (let piece = first; piece < first + pieces; piece++) {
      const iovec = (groups.piecesAt + piece * PIECE_BYTES) / 4;
      const [low = 0, high = 0, bytes = 0] = this.#words.subarray(iovec, iovec + 3);
      law(high === BASE_HIGH, () => `merge: expected addresses of this process, found ${high}`);
      law(filled + bytes <= octets, () => `merge: expected ${octets} octets in a group, found more`);
      whole.set(this.under.octets.subarray(low, low + bytes), filled);
      filled += bytes;
    }
    law(filled === octets, () => `merge: expected ${octets} octets in a group, found ${filled}`);
    return whole;
  }

  /** Cut by the codec, the group gives the packets that came; taken apart, they lie where they lay. */
  #checkGroup(group: number, whole: Uint8Array, packets: readonly Framed[]): void {
    const { groups, exports, tx } = this.#lane;
    const [first = 0, pieces = 0] = groups.records.subarray(group * GROUP_WORDS);
    const order = groups.order.subarray(first, first + pieces);
    const came = Array.from(order, (i) => packets[i]?.octets ?? new Uint8Array());
    exports.loosen(group);
    const apart = Array.from(order, (i) => this.#framed(tx.at[i] ?? 0, tx.lengths[i] ?? 0));
    if (pieces === 1) {
      law(isEqual(apart[0]?.octets, came[0]), () => "merge: expected a packet alone unchanged, found another");
      return;
    }
    const cut = segmentSuperPacket(whole.subarray(0, VNET_HEADER_BYTES), whole.subarray(VNET_HEADER_BYTES));
    law(cut.length === pieces, () => `merge: expected ${pieces} packets when cut, found ${cut.length}`);
    for (const [k, packet] of came.entries()) {
      law(isEqual(withoutSums(cut[k]), withoutSums(packet)), () => "merge: expected to cut what came, found another");
      const { header, octets } = apart[k] ?? NONE;
      law(isEqual(withoutSums(octets), withoutSums(packet)), () => "loosen: expected what came, found another");
      // Where a packet's own header leaves its checksum to the device, the device finishes it.
      const sums = verifyChecksums(segmentSuperPacket(header, octets)[0] ?? octets);
      law(sums.transport === true && sums.ip !== false, () => "loosen: expected right checksums, found wrong ones");
    }
  }

  /** A packet as it lies in the memory, with what stands before it. */
  #framed(at: number, bytes: number): Framed {
    const { octets } = this.under;
    return { header: octets.slice(at - VNET_HEADER_BYTES, at), octets: octets.slice(at, at + bytes) };
  }

  #cut({ octets, header }: Framed): number {
    const memory = this.under.octets;
    const at = memory.length - octets.length;
    memory.set(octets, at);
    memory.set(header, at - VNET_HEADER_BYTES);
    const pieces = this.#lane.split(at, octets.length);
    if (pieces > TX_MAX || this.#lane.txCount !== Math.max(pieces, 0)) {
      throw new BrokenLaw(`split: expected as many packets as it says, found ${this.#lane.txCount} for ${pieces}`);
    }
    return pieces;
  }

  #checkCut(packet: Framed): void {
    const pieces = this.#cut(packet);
    if (pieces < 0) return;
    const sent = this.#lane.sent();
    const expected = cutByCodec(packet);
    law(pieces === expected.length, () => `split: expected ${expected.length} packets, found ${pieces}`);
    for (const [i, octets] of expected.entries()) {
      law(isEqual(sent[i], octets), () => "split: expected what the codec cuts, found another packet");
    }
  }
}

/** A header has ten octets. */
function withWholeHeader({ header, octets }: FuzzPacket): Framed {
  if (header.length === VNET_HEADER_BYTES) return { header, octets };
  const whole = new Uint8Array(VNET_HEADER_BYTES);
  whole.set(header.subarray(0, VNET_HEADER_BYTES));
  return { header: whole, octets };
}

/** Coalesce bits. */
function allowedBy(options: Uint8Array): number {
  return 7 ^ ((options[0] ?? 0) & 7);
}

function cutByCodec({ header, octets }: Framed): readonly Uint8Array[] {
  if (((header[1] ?? 0) & ~GSO_ECN) === GSO_NONE) return [];
  try {
    return segmentSuperPacket(header, octets);
  } catch (error) {
    if (error instanceof WireError) return [];
    throw error;
  }
}

function isEqual(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  return left !== undefined && right !== undefined && Buffer.compare(left, right) === 0;
}
