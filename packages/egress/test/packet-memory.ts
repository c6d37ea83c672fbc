// Packets in one memory, as a data plane keeps them.
import type { PacketList } from "@bunnel/device";

export const SCRATCH_AT = 0;
export const SCRATCH_BYTES = 65536;

export interface PacketMemory {
  readonly memory: SharedArrayBuffer;
  readonly list: PacketList;
}

/** Puts packets behind the scratch range, at odd places on purpose: nothing promises that a packet is aligned. */
export function packetMemory(packets: readonly Uint8Array[]): PacketMemory {
  const bytes = packets.reduce((sum, packet) => sum + packet.length + 3, SCRATCH_BYTES + 1);
  const memory = new SharedArrayBuffer(bytes);
  const octets = new Uint8Array(memory);
  const list = { at: new Uint32Array(packets.length), lengths: new Uint16Array(packets.length) };
  let at = SCRATCH_BYTES + 1;
  for (const [index, packet] of packets.entries()) {
    octets.set(packet, at);
    list.at[index] = at;
    list.lengths[index] = packet.length;
    at += packet.length + 3;
  }
  return { memory, list };
}
