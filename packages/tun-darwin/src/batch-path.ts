// Packets of a utun fetched many at a time by recvmsg_x. The call is not promised by Apple: where it is missing, or
// refuses, packets come one by one.
//
//   msghdr_x 56: | name u64 | name octets u32 8 | pieces u64 16 | their count i32 24 | control u64 32 |
//                | control octets u32 40 | flags i32 44 | octets received u64 48 |      sys/socket_private.h
import { PACKET_MAX_BYTES } from "@bunnel/abi";
import {
  DescriptorPath,
  FAMILY_BYTES,
  Outcome,
  Pieces,
  readOutcome,
  type DescriptorPathOptions,
  type PacketMemory,
} from "@bunnel/bsd";
import type { PacketList } from "@bunnel/device";
import { addressOf } from "@bunnel/ffi";
import { MSGHDR_X_BYTES } from "./system.ts";
import type { ReceiveMany } from "./sys.ts";

/** Packets of one call; the system allows 256 (kern.ipc.somaxrecvmsgx). */
export const BATCH_MAX = 32;
const WORDS = MSGHDR_X_BYTES / 4;
const PIECES_AT = 4;
const PIECES_COUNT_AT = 6;
const RECEIVED_AT = 12;
/** One for the address family, one for the packet. */
const PIECES = 2;
const EAGAIN = 35;
const EINTR = 4;
const GONE: readonly number[] = [6, 9, 19];

export class BatchPath extends DescriptorPath {
  readonly #receive: ReceiveMany;
  readonly #headers = new Uint32Array(new ArrayBuffer(BATCH_MAX * MSGHDR_X_BYTES));
  readonly #headersAddress = addressOf(this.#headers);
  readonly #places = new Pieces(BATCH_MAX * PIECES);
  readonly #families = new Uint8Array(new ArrayBuffer(BATCH_MAX * FAMILY_BYTES));
  readonly #familiesAddress = addressOf(this.#families);
  #works = true;

  constructor(options: Omit<DescriptorPathOptions, "framing">, receive: ReceiveMany) {
    super({ ...options, framing: "family" });
    this.#receive = receive;
  }

  override read(memory: PacketMemory, list: PacketList, from: number, maxBytes: number): number {
    if (!this.#works) return super.read(memory, list, from, maxBytes);
    const room = Math.min(maxBytes, PACKET_MAX_BYTES);
    let interrupted = 0;
    let i = from;
    while (i < list.at.length) {
      const asked = this.#prepare(memory, list, i, room);
      const came = this.#receive(this.fd, this.#headersAddress, asked, 0);
      if (came > 0) {
        for (let k = 0; k < came; k++) list.lengths[i + k] = this.#lengthOf(k);
        i += came;
        if (came < asked) break;
        continue;
      }
      const errno = came === 0 ? EAGAIN : this.calls.errno();
      if (this.#isRefusal(errno)) {
        this.#works = false;
        return i - from + super.read(memory, list, i, maxBytes);
      }
      if (readOutcome(errno, interrupted++, this.nameOf()) === Outcome.Stop) break;
    }
    return i - from;
  }

  /**
   * Fills in every field of the headers, for the system leaves in them what it found last. Gives how many: those in
   * front of a place outside the memory, which is refused when its turn has come.
   */
  #prepare(memory: PacketMemory, { at }: PacketList, from: number, room: number): number {
    const most = Math.min(BATCH_MAX, at.length - from);
    this.#headers.fill(0, 0, most * WORDS);
    for (let k = 0; k < most; k++) {
      const start = at[from + k] ?? 0;
      if (k === 0) memory.mustHold(start, room);
      else if (!memory.holds(start, room)) return k;
      this.#places.set(k * PIECES, this.#familiesAddress + k * FAMILY_BYTES, FAMILY_BYTES);
      this.#places.set(k * PIECES + 1, memory.base + start, room);
      const pieces = this.#places.addressOf(k * PIECES);
      this.#headers[k * WORDS + PIECES_AT] = pieces;
      this.#headers[k * WORDS + PIECES_AT + 1] = pieces / 0x1_0000_0000;
      this.#headers[k * WORDS + PIECES_COUNT_AT] = PIECES;
    }
    return most;
  }

  #lengthOf(k: number): number {
    return Math.max(0, (this.#headers[k * WORDS + RECEIVED_AT] ?? 0) - FAMILY_BYTES);
  }

  /** The call itself is refused, not the packet. */
  #isRefusal(errno: number): boolean {
    return errno !== EAGAIN && errno !== EINTR && !GONE.includes(errno);
  }
}
