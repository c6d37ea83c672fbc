// The lane's end of what sockets carry on: datagrams and echo requests that a rule took out of a burst are copied and
// given away together. So many octets may wait to be taken over; what comes then is dropped and counted, as a socket
// that is full drops it.
import { CARRIED_MAX_BYTES, Counter, Reason, VNET_HEADER_BYTES, WORD_CARRIED_TAKEN } from "@bunnel/abi";
import type { Lane } from "@bunnel/engine";
import { LaneOutlet, takenWordOf } from "../lane-outlet.ts";

/** Before each packet: its octets u32, the size of its segments u16, and two octets of nothing. */
const RECORD_HEADER_BYTES = 8;
// linux/virtio_net.h: octets of struct virtio_net_hdr
const GSO_TYPE_AT = 1;
const GSO_SIZE_AT = 4;

/**
 * Packets of one burst, each behind its octets as u32 and the octets of its segments as u16, 0 where it is no
 * super-datagram; two octets of nothing follow these, and zeros fill each up to a multiple of four.
 */
export type CarriedPackets = Uint8Array<ArrayBuffer>;

/** Word of a lane that counts the octets of records that were taken over. */
export function carriedWord(memory: SharedArrayBuffer, laneIndex: number): Uint32Array {
  return takenWordOf(memory, laneIndex, WORD_CARRIED_TAKEN);
}

/** A lane's packets on their way to whoever carries them on. */
export class CarriedOutlet {
  readonly #outlet: LaneOutlet;
  readonly #octets: Uint8Array;
  readonly #view: DataView;

  constructor(
    readonly lane: Lane,
    readonly hasVnet: boolean,
    /** Called with the packets of each burst that has some. */
    readonly give: (packets: CarriedPackets) => void,
  ) {
    const { memory, index } = lane;
    this.#outlet = new LaneOutlet(lane, Reason.ReplaceCarried, carriedWord(memory, index));
    this.#octets = new Uint8Array(memory);
    this.#view = new DataView(memory);
  }

  /** Gives away what was taken out of the burst of `came` packets, which still lie in their slots. */
  take(came: number): void {
    if (!this.#outlet.hasNew()) return;
    const { waiting } = this.#outlet;
    const indexes: number[] = [];
    let bytes = 0;
    for (let i = 0; i < came; i++) {
      if (!this.#outlet.has(i)) continue;
      const next = bytes + recordBytes(this.lane.rx.lengths[i] ?? 0);
      if (waiting + next > CARRIED_MAX_BYTES) {
        this.#outlet.drop(Counter.CarriedDropped);
        continue;
      }
      indexes.push(i);
      bytes = next;
    }
    if (indexes.length === 0) return;
    this.#outlet.given(bytes);
    this.give(this.#records(indexes, bytes));
  }

  /** Copies: the shared memory cannot travel. */
  #records(indexes: readonly number[], bytes: number): CarriedPackets {
    const records = new Uint8Array(bytes);
    const view = new DataView(records.buffer);
    let to = 0;
    for (const i of indexes) {
      const at = this.lane.rx.at[i] ?? 0;
      const length = this.lane.rx.lengths[i] ?? 0;
      view.setUint32(to, length, true);
      view.setUint16(to + 4, this.#segmentBytes(at), true);
      records.set(this.#octets.subarray(at, at + length), to + RECORD_HEADER_BYTES);
      to += recordBytes(length);
    }
    return records;
  }

  #segmentBytes(at: number): number {
    if (!this.hasVnet) return 0;
    const header = at - VNET_HEADER_BYTES;
    return this.#octets[header + GSO_TYPE_AT] === 0 ? 0 : this.#view.getUint16(header + GSO_SIZE_AT, true);
  }
}

function recordBytes(packetBytes: number): number {
  return RECORD_HEADER_BYTES + ((packetBytes + 3) & ~3);
}
