// A device on a bad day: what networks and systems do to packets and calls, again and again the same for one seed.
//
// Packets are copied: the device inside works on memory of its own, so that a packet can be changed, held back or sent
// twice while the caller's stays as it is.
import { PACKET_MAX_BYTES, SLOT_BIG_BYTES, SLOT_HEADROOM_BYTES } from "@bunnel/abi";
import { Wake, type AsyncTunDevice, type PacketList } from "../device.ts";
import { FaultLane, type FaultCounts, type FaultRates } from "./fault-lane.ts";
import { Random } from "./random.ts";
import { DeviceWrapper } from "./wrapper.ts";

/** Packets that are fetched in one go. */
const BURST = 16;
/** One slot more, for the packet that is sent. */
const SLOTS = BURST + 1;

/** What goes wrong, and how often. */
export interface FaultOptions {
  /** The same seed and the same calls give the same faults. */
  readonly seed: number;
  /** What happens to packets on their way to the reader. */
  readonly read?: FaultRates;
  /** What happens to packets that were written. */
  readonly write?: FaultRates;
  /** Probability that a write of several packets takes only the first few. Default 0. */
  readonly shortWrites?: number;
  /** Probability that a write takes nothing, as with ENOBUFS. Default 0. */
  readonly noBuffers?: number;
  /** Probability that a read or wait comes back with nothing, as after EINTR. Default 0. */
  readonly interrupts?: number;
}

/** What happened to packets of both directions and to calls, so far. */
export interface FaultInjectorCounts {
  readonly read: FaultCounts;
  readonly write: FaultCounts;
  readonly shortWrites: number;
  readonly noBuffers: number;
  readonly interrupts: number;
}

export class FaultInjector extends DeviceWrapper {
  readonly #random: Random;
  readonly #reading: FaultLane;
  readonly #writing: FaultLane;
  readonly #counts = { shortWrites: 0, noBuffers: 0, interrupts: 0 };
  readonly #slots = new Uint8Array(SLOTS * SLOT_BIG_BYTES);
  readonly #fetched = { at: new Uint32Array(BURST), lengths: new Uint16Array(BURST) };
  readonly #sending = { at: new Uint32Array(1), lengths: new Uint16Array(1) };
  /** Packets that wait for the reader, and such that the device inside had no room for; headers and all. */
  readonly #ready: Uint8Array[] = [];
  readonly #unsent: Uint8Array[] = [];

  constructor(
    inner: AsyncTunDevice,
    private readonly options: FaultOptions,
  ) {
    super(inner, "a fault injector");
    this.#random = new Random(options.seed);
    this.#reading = new FaultLane(options.read ?? {}, this.#random, this.headerBytes);
    this.#writing = new FaultLane(options.write ?? {}, this.#random, this.headerBytes);
    for (let i = 0; i < BURST; i++) this.#fetched.at[i] = i * SLOT_BIG_BYTES + SLOT_HEADROOM_BYTES;
    this.#sending.at[0] = BURST * SLOT_BIG_BYTES + SLOT_HEADROOM_BYTES;
  }

  /** So far. */
  get counts(): FaultInjectorCounts {
    return { read: this.#reading.counts, write: this.#writing.counts, ...this.#counts };
  }

  override attach(memory: ArrayBufferLike): void {
    this.inner.attach(this.#slots.buffer);
    this.memory = new Uint8Array(memory);
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    if (this.#happens("interrupts")) return 0;
    this.#fetch(list.at.length - from - this.#ready.length);
    let i = from;
    for (; i < list.at.length; i++) {
      const [packet] = this.#ready;
      if (!packet) break;
      this.#deliver(packet, list, i, maxBytes);
      this.#ready.shift();
    }
    return i - from;
  }

  write(list: PacketList, from: number, to: number): number {
    // Of a device that is closed or has no memory, this throws.
    this.inner.write(this.#sending, 0, 0);
    if (!this.#sendUnsent() || (to > from && this.#happens("noBuffers"))) return 0;
    const end = to - from > 1 && this.#happens("shortWrites") ? from + 1 + this.#random.below(to - from - 1) : to;
    let i = from;
    for (; i < end && this.#unsent.length === 0; i++) {
      const packet = this.#taken(list, i);
      const arriving = this.#writing.pass(packet);
      const isUntouched = arriving.length === 1 && arriving[0] === packet;
      // A packet that nothing happens to is the caller's until the device inside took it.
      if (!isUntouched) this.#unsent.push(...arriving);
      else if (!this.#send(packet)) break;
      this.#sendUnsent();
    }
    return i - from;
  }

  /** Packets that were held back go now at the latest. */
  override wait(timeoutMs: number): Wake {
    this.#release();
    if (this.#happens("interrupts")) return timeoutMs < 0 ? Wake.Woken : Wake.Timeout;
    if (!this.#hasWaiting()) return this.inner.wait(timeoutMs);
    const found = this.inner.wait(0);
    return found === Wake.Timeout ? Wake.Readable : found;
  }

  override async whenReadable(signal?: AbortSignal): Promise<void> {
    this.#release();
    if (!this.#hasWaiting()) await this.inner.whenReadable(signal);
  }

  #happens(fault: "shortWrites" | "noBuffers" | "interrupts"): boolean {
    const happens = this.#random.chance(this.options[fault] ?? 0);
    if (happens) this.#counts[fault]++;
    return happens;
  }

  #hasWaiting(): boolean {
    return this.#ready.length > 0 || this.#reading.hasLate;
  }

  /** Brings up to `room` packets through what happens to them; when none comes, those that are late arrive. */
  #fetch(room: number): void {
    if (room <= 0) return;
    const { at, lengths } = this.#fetched;
    const places = { at: at.subarray(0, room), lengths };
    const count = this.inner.read(places, 0, PACKET_MAX_BYTES);
    for (let i = 0; i < count; i++) {
      const start = at[i] ?? 0;
      const packet = this.#slots.slice(start - this.headerBytes, start + (lengths[i] ?? 0));
      this.#ready.push(...this.#reading.pass(packet));
    }
    if (count === 0) this.#ready.push(...this.#reading.flush());
  }

  #deliver(packet: Uint8Array, { at, lengths }: PacketList, i: number, maxBytes: number): void {
    const bytes = Math.min(maxBytes, packet.length - this.headerBytes);
    this.memory.set(packet.subarray(0, this.headerBytes + bytes), (at[i] ?? 0) - this.headerBytes);
    lengths[i] = bytes;
  }

  #taken({ at, lengths }: PacketList, i: number): Uint8Array {
    const start = (at[i] ?? 0) - this.headerBytes;
    const end = (at[i] ?? 0) + (lengths[i] ?? 0);
    if (start < 0 || end > this.memory.length) {
      throw new RangeError(`packet at ${start} to ${end}: expected 0 to ${this.memory.length}, found outside`);
    }
    return this.memory.slice(start, end);
  }

  #release(): void {
    this.#unsent.push(...this.#writing.flush());
    if (this.#unsent.length > 0) this.#sendUnsent();
  }

  /** True: nothing is left that the device inside had no room for. */
  #sendUnsent(): boolean {
    for (;;) {
      const [packet] = this.#unsent;
      if (!packet) return true;
      if (!this.#send(packet)) return false;
      this.#unsent.shift();
    }
  }

  #send(packet: Uint8Array): boolean {
    const [at = 0] = this.#sending.at;
    this.#slots.set(packet, at - this.headerBytes);
    this.#sending.lengths[0] = packet.length - this.headerBytes;
    return this.inner.write(this.#sending, 0, 1) === 1;
  }
}
