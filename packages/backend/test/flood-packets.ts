// The packets of a flood, written straight into a lane's places: nothing is allocated for them.
import type { Lane } from "@bunnel/engine";
import { clientHello } from "@bunnel/wire";

/**
 * What a flooder may send. A "retry" is a SYN that comes twice, as of a scanner; "pair" a SYN and an ACK behind it, as
 * if somebody had answered; "few" a SYN of one of 4096 flows; "hello" the first part of one, of which the rest never
 * comes.
 */
export type FloodKind = "syn4" | "syn6" | "retry" | "pair" | "few" | "garbage" | "fragment" | "hello";

const SYN = 0x02;
const ACK = 0x10;
const PSH_ACK = 0x18;
const HELLO = clientHello({ serverName: "flood.example.org", padToBytes: 900 }).subarray(0, 300);

/** Numbers of 32 bits (xorshift, Marsaglia 2003): the same for the same seed. */
export function numbersOf(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

export class FloodWriter {
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  #last = { address: 0, port: 0 };
  /** The next packet is the second of a flow. */
  #isSecond = false;

  constructor(
    readonly lane: Lane,
    readonly number: () => number,
  ) {
    this.#octets = new Uint8Array(lane.memory);
    this.#view = new DataView(lane.memory);
  }

  /** Writes one packet to place `i`. */
  write(i: number, kind: FloodKind): void {
    const at = this.lane.rx.at[i] ?? 0;
    this.lane.rx.lengths[i] = this.#writeAt(at, kind);
  }

  #writeAt(at: number, kind: FloodKind): number {
    switch (kind) {
      case "syn4":
        return this.#tcp4(at, this.number(), this.number(), SYN);
      case "few":
        return this.#tcp4(at, this.number() & 0xfff, 1, SYN);
      case "retry":
        return this.#twice(at, SYN);
      case "pair":
        return this.#twice(at, ACK);
      case "syn6":
        return this.#syn6(at);
      case "garbage":
        return this.#garbage(at);
      case "fragment":
        this.#tcp4(at, this.number(), this.number(), SYN);
        // More fragments, or an offset, or both (RFC 791 section 3.1).
        this.#view.setUint16(at + 6, (this.number() & 0x3fff) | 1);
        return 40;
      case "hello":
        this.#tcp4(at, this.number(), this.number(), PSH_ACK, HELLO.length);
        this.#octets.set(HELLO, at + 40);
        return 40 + HELLO.length;
    }
  }

  /** Each flow gets two packets, one after the other. */
  #twice(at: number, secondFlags: number): number {
    if (!this.#isSecond) this.#last = { address: this.number(), port: this.number() };
    this.#isSecond = !this.#isSecond;
    return this.#tcp4(at, this.#last.address, this.#last.port, this.#isSecond ? SYN : secondFlags);
  }

  /** From any address and port to 203.0.113.1, port 443. */
  #tcp4(at: number, source: number, port: number, flags: number, payloadBytes = 0): number {
    const view = this.#view;
    view.setUint32(at, 0x45000000 + 40 + payloadBytes);
    view.setUint32(at + 4, 0x00004000);
    view.setUint32(at + 8, 0x40060000);
    view.setUint32(at + 12, source);
    view.setUint32(at + 16, 0xcb007101);
    this.#tcp(at + 20, port, flags);
    return 40 + payloadBytes;
  }

  #syn6(at: number): number {
    const view = this.#view;
    view.setUint32(at, 0x60000000);
    view.setUint32(at + 4, (20 << 16) | 0x0640);
    for (const end of [8, 24]) {
      view.setUint32(at + end, 0x20010db8);
      view.setUint32(at + end + 4, 0);
      view.setUint32(at + end + 8, 0);
      view.setUint32(at + end + 12, end === 8 ? this.number() : 1);
    }
    this.#tcp(at + 40, this.number(), SYN);
    return 60;
  }

  #tcp(at: number, port: number, flags: number): void {
    const view = this.#view;
    view.setUint16(at, port & 0xffff);
    view.setUint16(at + 2, 443);
    view.setUint32(at + 4, 1);
    view.setUint32(at + 8, 1);
    view.setUint32(at + 12, 0x5000ffff | (flags << 16));
    view.setUint32(at + 16, 0);
  }

  #garbage(at: number): number {
    const bytes = this.number() % 1200;
    for (let i = 0; i < bytes; i += 4) this.#view.setUint32(at + i, this.number());
    // Three of four look like IP at first sight.
    if (this.number() % 4 !== 0) this.#octets[at] = this.number() % 2 === 0 ? 0x45 : 0x60;
    return bytes;
  }
}
