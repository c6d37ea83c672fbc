// The way of a packet through the censor:
//   1. the kernel routes what comes from either side into the device
//   2. a burst is read
//   3. each packet is judged
//   4. what may go on is written back, and the kernel routes it on by its main table
//   5. what the model injects is written behind it
import type { Injection } from "../censors/censor.ts";
import { type PacketList, type TunDevice, Wake } from "@bunnel/device";
import type { Watch } from "./watch.ts";

const BURST = 64;
const SLOT_BYTES = 2048;
/** The place behind the burst, for packets that we make. */
const INJECTED = BURST;
/** The longest time that a question from the lab waits while no packet comes. */
const WAIT_MS = 10;
/** Tries to write while the kernel's queue is full; then the packet is lost, as on any busy router. */
const WRITE_TRIES_MAX = 100;

export class PacketPath {
  readonly #octets = new Uint8Array(new SharedArrayBuffer((BURST + 1) * SLOT_BYTES));
  readonly #list: PacketList;
  #closed = false;

  constructor(
    private readonly device: TunDevice,
    private readonly watch: Watch,
  ) {
    const at = Uint32Array.from({ length: BURST + 1 }, (_, slot) => slot * SLOT_BYTES);
    this.#list = { at, lengths: new Uint16Array(BURST + 1) };
    device.attach(this.#octets.buffer);
  }

  /** Carries packets until the device is gone; between bursts the thread does its other work. */
  async run(): Promise<void> {
    const burst: PacketList = { at: this.#list.at.subarray(0, BURST), lengths: this.#list.lengths.subarray(0, BURST) };
    while (!this.#closed) {
      const count = this.device.read(burst, 0, SLOT_BYTES);
      for (let slot = 0; slot < count; slot++) this.#pass(slot);
      if (count === 0) this.#closed = this.device.wait(WAIT_MS) === Wake.Closed;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #pass(slot: number): void {
    const start = slot * SLOT_BYTES;
    const packet = this.#octets.slice(start, start + (this.#list.lengths[slot] ?? 0));
    const { forward, inject = [] } = this.watch.judge(packet, performance.now());
    this.#inject(inject.filter(({ behind }) => behind !== true));
    if (forward) this.#write(slot);
    this.#inject(inject.filter(({ behind }) => behind === true));
  }

  #inject(injections: readonly Injection[]): void {
    for (const { packet } of injections) {
      this.#octets.set(packet, INJECTED * SLOT_BYTES);
      this.#list.lengths[INJECTED] = packet.length;
      this.#write(INJECTED);
    }
  }

  #write(slot: number): void {
    for (let tries = 0; tries < WRITE_TRIES_MAX; tries++) {
      if (this.device.write(this.#list, slot, slot + 1) === 1) return;
    }
  }
}
