// Packets that were merged for a device with segmentation offload.
import { GROUP_AT, GROUP_BYTES, GROUP_FIRST, GROUP_OCTETS, GROUP_PIECES } from "@bunnel/abi";

/** Where the groups of a lane lie; see Group in the memory map. */
export interface LaneGroups {
  /** GROUP_BYTES / 4 words for each group. */
  readonly records: Uint32Array;
  /** Where the iovecs of all groups lie, one behind the other. */
  readonly piecesAt: number;
  /** For each piece the packet of `tx` that it comes from. */
  readonly order: Uint16Array;
}

/** One group, as an object: for tests and tools. */
export interface PacketGroup {
  readonly first: number;
  readonly pieces: number;
  /** Where its virtio_net_hdr lies. */
  readonly at: number;
  /** Its octets, virtio_net_hdr included. */
  readonly octets: number;
}

/** One group of `coalesce`, read out of the lane's records. */
export function readGroup({ records }: LaneGroups, group: number): PacketGroup {
  const word = (offset: number): number => records[(group * GROUP_BYTES + offset) / 4] ?? 0;
  return { first: word(GROUP_FIRST), pieces: word(GROUP_PIECES), at: word(GROUP_AT), octets: word(GROUP_OCTETS) };
}
