// A way out where no raw socket delivers to this machine: what is for it is written into the device that its packets
// come out of. Packets are not sent on by it: what this machine's own address sends has nowhere to go but by sockets,
// and where the machine is a router it would only come back.
import type { DeviceHandOver, PacketList, TunDevice } from "@bunnel/device";
import type { Egress, EgressCapabilities, EgressCounters, EgressHandOver } from "@bunnel/egress";
import { parseAddress } from "@bunnel/wire";

const NAME = "device-out";
/** RFC 791 section 3.1, RFC 8200 section 3. */
const SOURCE4_AT = 12;
const SOURCE6_AT = 8;

export interface DeviceOutParts {
  /** Of the device, once it is needed: it may be opened after this. */
  readonly handOver: () => DeviceHandOver;
  /** Opens what was handed over; it is this one's from then on. */
  readonly open: (handOver: DeviceHandOver) => TunDevice;
  /** Addresses of the device, when it is open. */
  readonly own: () => readonly string[];
}

export class DeviceOut implements Egress {
  readonly capabilities: EgressCapabilities = { name: NAME, vnetHeader: false };
  #own: readonly Uint8Array[] = [];
  #device: TunDevice | undefined;
  #memory: ArrayBufferLike | undefined;
  #octets: Uint8Array = new Uint8Array(0);
  #taken = 0;
  #strange = 0;

  constructor(private readonly parts: DeviceOutParts) {}

  attach(memory: ArrayBufferLike, _scratchAt: number, _scratchBytes: number): void {
    this.#memory = memory;
    this.#octets = new Uint8Array(memory);
  }

  send(list: PacketList, from: number, to: number): number {
    const device = this.#open();
    let start = from;
    for (let i = from; i <= to; i++) {
      if (i < to && !this.#isOwn(list.at[i] ?? 0)) continue;
      if (i > start) {
        const written = device.write(list, start, i);
        this.#taken += written;
        if (written < i - start) return start + written - from;
      }
      if (i < to) {
        this.#strange += 1;
        this.#taken += 1;
      }
      start = i + 1;
    }
    return to - from;
  }

  get refused(): number {
    return this.#strange + (this.#device?.refused ?? 0);
  }

  counters(): EgressCounters {
    const device = this.#device?.refused ?? 0;
    const refused = { ...(this.#strange > 0 && { OUTSIDE: this.#strange }), ...(device > 0 && { DEVICE: device }) };
    return { sent: this.#taken - this.refused, refused };
  }

  handOver(): EgressHandOver {
    return { ...this.parts.handOver(), egress: NAME, own: this.parts.own().join(" ") };
  }

  close(): void {
    this.#device?.close();
    this.#device = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): TunDevice {
    if (this.#device !== undefined) return this.#device;
    const device = this.parts.open(this.parts.handOver());
    if (this.#memory !== undefined) device.attach(this.#memory);
    this.#own = this.parts.own().map(parseAddress);
    return (this.#device = device);
  }

  #isOwn(at: number): boolean {
    const version = (this.#octets[at] ?? 0) >> 4;
    const [source, bytes] = version === 4 ? [at + SOURCE4_AT, 4] : [at + SOURCE6_AT, 16];
    return this.#own.some((own) => own.length === bytes && this.#has(own, source));
  }

  #has(own: Uint8Array, at: number): boolean {
    for (let i = 0; i < own.length; i++) if (this.#octets[at + i] !== own[i]) return false;
    return true;
  }
}

/** In another thread, from what `handOver` gave. */
export function openTransferredOut(handOver: EgressHandOver, open: (handOver: DeviceHandOver) => TunDevice): DeviceOut {
  const { egress, own, ...device } = handOver;
  const driver = device["driver"];
  if (egress !== NAME || typeof driver !== "string" || typeof own !== "string") {
    throw new Error(`hand-over: expected a ${NAME}, found "${egress}"`);
  }
  return new DeviceOut({ handOver: () => ({ ...device, driver }), open, own: () => own.split(" ") });
}
