// Ranges that a poll has no business in: known octets lie there before, and must lie there after.
import {
  CONTROL_BASE,
  LANE_BYTES,
  LANE_HOST,
  LANE_HOST_BYTES,
  LANE_QUEUE,
  LANE_QUEUE_BYTES,
  LANE_RINGS,
  LANE_RINGS_BYTES,
  LANES_BASE,
} from "@bunnel/abi";
import { law } from "./target.ts";

const CANARY = 0xc5c5_c5c5;
const GUARD_BYTES = 64;

/** First and last octets of the ranges that belong to the host, and the beginning of the next lane. */
const GUARDS: readonly (readonly [name: string, at: number])[] = [
  ["zero page", 0],
  ["zero page's end", CONTROL_BASE - GUARD_BYTES],
  ["host's range", LANES_BASE + LANE_HOST],
  ["host's range's end", LANES_BASE + LANE_HOST + LANE_HOST_BYTES - GUARD_BYTES],
  ["rings", LANES_BASE + LANE_RINGS],
  ["rings' end", LANES_BASE + LANE_RINGS + LANE_RINGS_BYTES - GUARD_BYTES],
  ["queue", LANES_BASE + LANE_QUEUE],
  ["queue's end", LANES_BASE + LANE_QUEUE + LANE_QUEUE_BYTES - GUARD_BYTES],
  ["next lane", LANES_BASE + LANE_BYTES],
];

export class MemoryGuards {
  readonly #ranges: readonly { readonly name: string; readonly words: Uint32Array }[];

  constructor(memory: ArrayBufferLike) {
    this.#ranges = GUARDS.map(([name, at]) => ({ name, words: new Uint32Array(memory, at, GUARD_BYTES / 4) }));
    this.renew();
  }

  /** Lays the known octets again, where somebody with a right to it wrote over them. */
  renew(): void {
    for (const { words } of this.#ranges) words.fill(CANARY);
  }

  /** @throws BrokenLaw that names the range; the range is then made good again */
  check(): void {
    for (const { name, words } of this.#ranges) {
      for (let i = 0; i < words.length; i++) {
        if (words[i] === CANARY) continue;
        words.fill(CANARY);
        law(false, () => `memory: expected no write into the ${name}, found one`);
      }
    }
  }
}
