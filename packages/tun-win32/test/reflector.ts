// What a test lets the device say: echo requests are answered, and every other packet goes back to where it came from
// with its two addresses exchanged, so that the system speaks TCP to itself through the device. Neither touches a
// checksum but that of the echo's type.
import type { AsyncTunDevice } from "@bunnel/device";

const SLOT_BYTES = 0x11000;
const SLOTS = 64;
const ETHERNET_HEADER_BYTES = 14;
const ICMP_REQUEST = 8;
const ICMP6_REQUEST = 128;
const ICMP6_REPLY = 129;

export class Reflector {
  readonly memory = new Uint8Array(new ArrayBuffer(SLOTS * SLOT_BYTES));
  readonly list = {
    at: Uint32Array.from({ length: SLOTS }, (_, i) => i * SLOT_BYTES + 64),
    lengths: new Uint16Array(SLOTS),
  };
  /** Packets that went back. */
  count = 0;

  readonly #headerBytes: number;

  constructor(readonly device: AsyncTunDevice) {
    this.#headerBytes = device.capabilities.medium === "ethernet" ? ETHERNET_HEADER_BYTES : 0;
    device.attach(this.memory.buffer);
  }

  /** Until the device is closed. */
  async run(): Promise<void> {
    try {
      for (;;) {
        if (this.turn() === 0) await this.device.whenReadable();
      }
    } catch {
      // It is closed.
    }
  }

  /** One burst; how many came. */
  turn(): number {
    const { device, list, memory } = this;
    const count = device.read(list, 0, 0xffff);
    for (let i = 0; i < count; i++) {
      const at = list.at[i] ?? 0;
      if (this.#headerBytes > 0) exchange(memory, at, 6);
      turnBack(memory, at + this.#headerBytes, (list.lengths[i] ?? 0) - this.#headerBytes);
    }
    for (let sent = 0; sent < count;) sent += device.write(list, sent, count);
    this.count += count;
    return count;
  }
}

function turnBack(octets: Uint8Array, at: number, bytes: number): void {
  const isV4 = (octets[at] ?? 0) >> 4 === 4;
  const [addressAt, addressBytes] = isV4 ? [at + 12, 4] : [at + 8, 16];
  exchange(octets, addressAt, addressBytes);
  const protocol = octets[isV4 ? at + 9 : at + 6];
  const l4 = at + (isV4 ? 20 : 40);
  if (l4 - at + 8 > bytes) return;
  if (protocol === 1 && octets[l4] === ICMP_REQUEST) answer(octets, l4, ICMP_REQUEST, 0);
  else if (protocol === 58 && octets[l4] === ICMP6_REQUEST) answer(octets, l4, ICMP6_REQUEST, ICMP6_REPLY);
}

/** Two neighbours of `bytes` octets change places. */
function exchange(octets: Uint8Array, at: number, bytes: number): void {
  const first = octets.slice(at, at + bytes);
  octets.copyWithin(at, at + bytes, at + 2 * bytes);
  octets.set(first, at + bytes);
}

/** RFC 1624: the type is the high octet of the first word. */
function answer(octets: Uint8Array, l4: number, from: number, to: number): void {
  octets[l4] = to;
  const sum = ((octets[l4 + 2] ?? 0) << 8) | (octets[l4 + 3] ?? 0);
  let inverted = (sum ^ 0xffff) + ((from << 8) ^ 0xffff) + (to << 8);
  while (inverted > 0xffff) inverted = (inverted & 0xffff) + (inverted >>> 16);
  octets[l4 + 2] = (inverted ^ 0xffff) >> 8;
  octets[l4 + 3] = inverted ^ 0xffff;
}
