// What a network and a client's TCP do to a message on its way: loss, reordering, duplication, and retransmission of
// the whole or of a part until all of it is acknowledged.
import fc from "fast-check";
import type { Connection } from "./connection.ts";

/** Rounds of retransmission before a test gives up; the last ones lose nothing. */
const ROUNDS_MAX = 24;
const ROUNDS_WITH_FAULTS = 12;
/** Within the time that the engine remembers a planned message. */
const ROUND_MS = 200;

export interface Faults {
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly seed: number;
}

export const anyFaults: fc.Arbitrary<Faults> = fc.record({
  loss: fc.constantFrom(0.1, 0.3, 0.6),
  duplication: fc.constantFrom(0, 0.3),
  reordering: fc.constantFrom(0, 0.3),
  seed: fc.integer({ min: 1, max: 0x7fffffff }),
});

/** xorshift32: numbers from 0 up to 1. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Packets as they arrive: some lost, some twice, some later than others. */
function through(packets: readonly Uint8Array[], faults: Faults, random: () => number): Uint8Array[] {
  const arriving: { packet: Uint8Array; at: number }[] = [];
  for (const [i, packet] of packets.entries()) {
    if (random() < faults.loss) continue;
    const copies = random() < faults.duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      arriving.push({ packet, at: i + (random() < faults.reordering ? random() * 12 : 0) });
    }
  }
  return arriving.toSorted((a, b) => a.at - b.at).map(({ packet }) => packet);
}

/**
 * Sends the message whole, and again in whole or in parts, until all of it is read or the rounds are over.
 * A part starts where the endpoint waits and ends anywhere: so does the hole that selective acknowledgements leave.
 */
export function sendUntilRead(connection: Connection, message: Uint8Array, faults: Faults): void {
  const random = randomOf(faults.seed);
  let from = 0;
  let to = message.length;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { packet, header } = connection.segment(message, from, to);
    const sent = connection.send(packet, header);
    connection.deliver(round < ROUNDS_WITH_FAULTS ? through(sent, faults, random) : sent);
    connection.nowMs += ROUND_MS;
    const read = connection.stream.length;
    if (read >= message.length) return;
    const isWhole = round >= ROUNDS_WITH_FAULTS || random() < 0.4;
    from = isWhole ? (random() < 0.5 ? 0 : read) : read;
    to = isWhole ? message.length : Math.min(message.length, read + 1 + Math.floor(random() * (message.length - read)));
  }
}
