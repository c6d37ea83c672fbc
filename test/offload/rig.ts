// Bursts through the merger, and what comes out of it, cut again by the plain codec.
import { GROUP_PACKETS_MAX, RX_MAX, VNET_HEADER_BYTES } from "@bunnel/abi";
import { Engine, readGroup, type EngineBuild, type Lane } from "@bunnel/engine";
import { decodePacket, segmentSuperPacket } from "@bunnel/wire";

/** A coverage run puts the debug build with probes in the place of both; once is then enough. */
export const BUILDS: readonly EngineBuild[] =
  process.env["BUNNEL_COVERAGE_DIR"] === undefined ? ["release", "debug"] : ["debug"];
/** Where the memory would lie: more than 32 bits, so that both halves of an address count. */
const BASE = 0x7f12_8000_0000;
const PROTOCOL_TCP = 6;
/** RFC 9293 section 3.1 */
const TCP_CHECKSUM_OFFSET = 16;
const NO_HEADER = new Uint8Array(VNET_HEADER_BYTES);

/** A packet with what stands before it. */
export interface Framed {
  readonly header: Uint8Array;
  readonly packet: Uint8Array;
}

export function framed(packet: Uint8Array, header: Uint8Array = NO_HEADER): Framed {
  return { header, packet };
}

/** A lane that passes everything: super-packets come in, super-packets go out. */
export async function openMerger(build: EngineBuild): Promise<Lane> {
  const engine = await Engine.create({ build, seed: 7n, warm: false });
  return engine.lane(0, { plan: false, track: false, rxVnet: true, txVnet: true });
}

/** Lists a burst in `tx`, where it can be merged. */
export function load(lane: Lane, burst: readonly Framed[]): void {
  if (burst.length > RX_MAX) throw new RangeError(`burst: expected at most ${RX_MAX} packets, found ${burst.length}`);
  for (const [i, { packet, header }] of burst.entries()) lane.place(i, packet, header);
  lane.poll(0, burst.length, 0);
  if (lane.txCount !== burst.length) throw new Error(`expected ${burst.length} packets in tx, found ${lane.txCount}`);
}

/** The groups of a burst, each put together from its pieces. */
export function merge(lane: Lane, burst: readonly Framed[], allowed?: number): Framed[] {
  load(lane, burst);
  const count = lane.coalesce(0, burst.length, BASE, allowed);
  return Array.from({ length: count }, (_, group) => gather(lane, group));
}

/** Follows the iovecs of a group as writev(2) would. @throws Error when they do not agree with the group's record */
export function gather(lane: Lane, group: number): Framed {
  const { first, pieces, at, octets } = readGroup(lane.groups, group);
  if (pieces < 1 || pieces > GROUP_PACKETS_MAX) throw new Error(`group ${group}: found ${pieces} pieces`);
  const view = new DataView(lane.memory);
  const whole = new Uint8Array(octets);
  let filled = 0;
  for (let piece = first; piece < first + pieces; piece++) {
    const iovec = lane.groups.piecesAt + piece * 16;
    const start = Number(view.getBigUint64(iovec, true)) - BASE;
    const bytes = Number(view.getBigUint64(iovec + 8, true));
    if (piece === first && start !== at)
      throw new Error(`group ${group}: starts at ${at}, its first piece at ${start}`);
    whole.set(new Uint8Array(lane.memory, start, bytes), filled);
    filled += bytes;
  }
  if (filled !== octets) throw new Error(`group ${group}: says ${octets} octets, its pieces have ${filled}`);
  return { header: whole.subarray(0, VNET_HEADER_BYTES), packet: whole.subarray(VNET_HEADER_BYTES) };
}

/** The ordinary packets that these stand for, by the plain codec. */
export function cut(packets: readonly Framed[]): Uint8Array[] {
  return packets.flatMap(({ header, packet }) => segmentSuperPacket(header, packet));
}

/** Packets by flow, each flow in its order; what belongs to no flow stands together, sorted. */
export function byFlow(packets: readonly Uint8Array[]): Map<string, string[]> {
  const flows = new Map<string, string[]>();
  for (const packet of packets) {
    const key = flowOf(packet);
    flows.set(key, [...(flows.get(key) ?? []), withOneZero(withoutMeaninglessId(packet)).toHex()]);
  }
  flows.get("none")?.sort();
  return flows;
}

function flowOf(packet: Uint8Array): string {
  const { family, protocol, fragment, source, destination, sourcePort, destinationPort } = decodePacket(packet);
  if (family === 0 || fragment || (protocol !== 6 && protocol !== 17)) return "none";
  return `${protocol} ${source} ${sourcePort} ${destination} ${destinationPort}`;
}

/** The identification of an IPv4 packet with DF means nothing (RFC 6864 section 4.1); the checksum goes with it. */
function withoutMeaninglessId(packet: Uint8Array): Uint8Array {
  const isAtomic = packet.length >= 20 && (packet[0] ?? 0) >> 4 === 4 && ((packet[6] ?? 0) & 0x40) !== 0;
  if (!isAtomic) return packet;
  const copy = packet.slice();
  copy.fill(0, 4, 6);
  // Whether the header's checksum was right stays visible: by how much it was wrong.
  const sum = headerSum(packet);
  copy[10] = sum >> 8;
  copy[11] = sum & 0xff;
  return copy;
}

/**
 * A TCP checksum of zero has two spellings (RFC 1071 section 1): who completes a partial one writes 0xffff as for UDP
 * (Linux, skb_checksum_help), who cuts a super-packet writes 0.
 */
function withOneZero(packet: Uint8Array): Uint8Array {
  const { protocol, fragment, l4Offset } = decodePacket(packet);
  const at = l4Offset + TCP_CHECKSUM_OFFSET;
  if (protocol !== PROTOCOL_TCP || fragment || packet[at] !== 0xff || packet[at + 1] !== 0xff) return packet;
  const copy = packet.slice();
  copy.fill(0, at, at + 2);
  return copy;
}

function headerSum(packet: Uint8Array): number {
  let sum = 0;
  const end = Math.min(packet.length, ((packet[0] ?? 0) & 15) * 4);
  for (let i = 0; i < end; i += 2) sum += ((packet[i] ?? 0) << 8) | (packet[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
