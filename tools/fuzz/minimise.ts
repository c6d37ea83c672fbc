// A failing input with everything taken out of it that the failure does not need.
import { type FuzzInput, type FuzzPacket, inputBytes } from "./input.ts";

const TRIES_MAX = 3000;

/** The smallest input found that still fails; `fails` is asked at most TRIES_MAX times. */
export function minimise(input: FuzzInput, fails: (input: FuzzInput) => boolean): FuzzInput {
  let best = input;
  let tries = 0;
  for (let before = Number.POSITIVE_INFINITY; inputBytes(best) < before;) {
    before = inputBytes(best);
    for (const smaller of smallerOnes(best)) {
      if (++tries > TRIES_MAX) return best;
      if (!fails(smaller)) continue;
      best = smaller;
      // Steps to what was smaller than the input before; the next round looks at the new one.
      break;
    }
  }
  return best;
}

function* smallerOnes(input: FuzzInput): Generator<FuzzInput> {
  const { packets, options } = input;
  if (input.table.length > 0) yield { ...input, table: new Uint8Array() };
  for (const i of packets.keys()) yield { ...input, packets: packets.toSpliced(i, 1) };
  for (const [i, packet] of packets.entries()) {
    for (const octets of shorterOnes(packet.octets)) {
      yield { ...input, packets: packets.with(i, { ...packet, octets } satisfies FuzzPacket) };
    }
  }
  if (options.length > 0) yield { ...input, options: options.slice(0, -1) };
}

/** Cut at the end by halves down to one octet, and pieces of at least 1/32 taken out of the middle. */
function* shorterOnes(octets: Uint8Array): Generator<Uint8Array> {
  for (let step = octets.length >> 1; step > 0; step >>= 1) {
    yield octets.slice(0, octets.length - step);
    if (octets.length / step > 32) continue;
    for (let from = octets.length - 2 * step; from > 0; from -= step) {
      yield Uint8Array.from([...octets.subarray(0, from), ...octets.subarray(from + step)]);
    }
  }
}
