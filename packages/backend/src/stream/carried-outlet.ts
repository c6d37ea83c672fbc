// The lane's end of what sockets carry on: datagrams and echo requests that a rule took out of a burst are copied and
// given away together. So many octets may wait to be taken over; what comes then is dropped and counted, as a socket
// that is full drops it.
import {
  CARRIED_MAX_BYTES,
  Counter,
  LANE_BYTES,
  LANE_WORDS,
  LANES_BASE,
  Reason,
  VNET_HEADER_BYTES,
  WORD_CARRIED_TAKEN,
} from "@bunnel/abi";
import { laneCounters, type Lane } from "@bunnel/engine";

const CARRIED: number = Counter.Reasons + Reason.ReplaceCarried;
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
  return new Uint32Array(memory, LANES_BASE + laneIndex * LANE_BYTES + LANE_WORDS + WORD_CARRIED_TAKEN, 1);
}

/** A lane's packets on their way to whoever carries them on. */
export class CarriedOutlet {
  /** As halves: the lower one tells whether the counter has changed. */
  readonly #counters: Uint32Array;
  readonly #dropped: BigUint64Array;
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  readonly #taken: Uint32Array;
  #seen: number;
  #given: number;

  constructor(
    readonly lane: Lane,
    readonly hasVnet: boolean,
    /** Called with the packets of each burst that has some. */
    readonly give: (packets: CarriedPackets) => void,
  ) {
    const { memory, index } = lane;
    this.#dropped = laneCounters(memory, index);
    this.#counters = new Uint32Array(memory, this.#dropped.byteOffset, 2 * this.#dropped.length);
    this.#octets = new Uint8Array(memory);
    this.#view = new DataView(memory);
    this.#taken = carriedWord(memory, index);
    this.#seen = this.#counters[2 * CARRIED] ?? 0;
    this.#given = Atomics.load(this.#taken, 0);
  }

  /** Gives away what was taken out of the burst of `came` packets, which still lie in their slots. */
  take(came: number): void {
    const seen = this.#counters[2 * CARRIED] ?? 0;
    if (seen === this.#seen) return;
    this.#seen = seen;
    const waiting = (this.#given - Atomics.load(this.#taken, 0)) >>> 0;
    const indexes: number[] = [];
    let bytes = 0;
    for (let i = 0; i < came; i++) {
      if (this.lane.meta(i).reason !== Reason.ReplaceCarried) continue;
      const next = bytes + recordBytes(this.lane.rx.lengths[i] ?? 0);
      if (waiting + next > CARRIED_MAX_BYTES) {
        this.#dropped[Counter.CarriedDropped] = (this.#dropped[Counter.CarriedDropped] ?? 0n) + 1n;
        continue;
      }
      indexes.push(i);
      bytes = next;
    }
    if (indexes.length === 0) return;
    this.#given = (this.#given + bytes) >>> 0;
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
