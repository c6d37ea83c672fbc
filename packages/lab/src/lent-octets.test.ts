import { describe, expect, test } from "bun:test";
import { tcpPacket, verifyChecksums } from "@bunnel/wire";
import { folded, ipChecksumHolds, wordSum } from "./ip/checksum.ts";
import { copyOf, lend, LentOctets, octetsToFill } from "./lent-octets.ts";
import { SeededRandom } from "./link/random.ts";
import { runCell } from "./matrix/run-cell.ts";
import { readSegment } from "./tcp/segment.ts";

describe("lend()", () => {
  test("gives the next run the octets of the one before, and one run each of them once", () => {
    const taken = () => lend(() => [octetsToFill(77), octetsToFill(77), octetsToFill(78)]);
    const [one, two, other] = taken();
    expect(one).not.toBe(two);
    const again = taken();
    expect(again[0]).toBe(one);
    expect(again[1]).toBe(two);
    expect(again[2]).toBe(other);
  });

  test("is one run with those within it", () => {
    lend(() => {
      const outer = octetsToFill(79);
      expect(lend(() => octetsToFill(79))).not.toBe(outer);
      expect(octetsToFill(79)).not.toBe(outer);
    });
  });

  test("nothing is lent outside of it, nor after one that failed", () => {
    expect(() => lend(() => fail())).toThrow("failed");
    expect(octetsToFill(80)).not.toBeInstanceOf(LentOctets);
    expect(lend(() => octetsToFill(80))).toBeInstanceOf(LentOctets);
  });

  test("what is too long, or too many, is made anew", () => {
    lend(() => expect(octetsToFill(65_535)).not.toBeInstanceOf(LentOctets));
    const many = lend(() => new Set(Array.from({ length: 1000 }, () => octetsToFill(81))));
    expect(many.size).toBe(1000);
  });
});

describe("LentOctets", () => {
  test("a packet is read anew in each run, and its segments are those of @bunnel/wire", () => {
    const random = new SeededRandom(5);
    for (let turn = 0; turn < 500; turn += 1) {
      const payload = Uint8Array.from({ length: random.next() % 40 }, () => random.next() & 0xff);

      const made = tcpPacket({ ...ENDS, seq: random.next(), ack: random.next(), flags: "PA", payload });
      if (random.chance(0.3)) made[random.next() % made.length] = random.next() & 0xff;
      const lent = lend(() => {
        const packet = copyOf(made);
        const segment = readSegment(packet);
        expect(readSegment(packet)).toBe(segment);
        return segment === undefined ? undefined : told(segment);
      });
      const plain = readSegment(made);
      expect(lent).toEqual(plain === undefined ? undefined : told(plain));
    }
  });

  test("sums of lent octets are those of others", () => {
    const random = new SeededRandom(6);
    for (let turn = 0; turn < 500; turn += 1) {
      const octets = Uint8Array.from({ length: 41 + (random.next() % 60) }, () => random.next() & 0xff);
      const from = random.next() % 20;
      const to = from + (random.next() % 21);
      const initial = random.next() & 0xffff;
      const sum = lend(() => folded(wordSum(copyOf(octets), from, to, initial)));
      expect(sum).toBe(folded(wordSum(octets, from, to, initial)));
    }
    const whole = tcpPacket({ ...ENDS, seq: 1, ack: 2, flags: "A", payload: new Uint8Array(33).fill(0xff) });
    expect(lend(() => [ipChecksumHolds(copyOf(whole)), readSegment(copyOf(whole))?.checksumHolds])).toEqual([
      verifyChecksums(whole).ip === true,
      verifyChecksums(whole).transport === true,
    ]);
  });
});

test("runCell() makes the same of lent packets as of others, one connection after the other", () => {
  for (let seed = 1; seed < 60; seed += 1) {
    const faults = { loss: 0.1, duplication: 0.1, reordering: 0.2, nat: "strict" } as const;
    const options = { message: "tls", family: seed % 2 === 0 ? 4 : 6, seed } as const;
    const { events, ...kept } = runCell({ ...options, link: faults });
    expect(events.length).toBeGreaterThan(0);
    const { events: none, ...lent } = runCell({ ...options, link: { ...faults, events: false } });
    expect(none).toEqual([]);
    expect(lent).toEqual(kept);
  }
});

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };

function told({ seq, ack, flags, payload, options, checksumHolds, key, hopLimit }: NonNullable<Read>) {
  return { seq, ack, flags, payload: [...payload], options, checksumHolds, key, hopLimit };
}

type Read = ReturnType<typeof readSegment>;

function fail(): never {
  throw new Error("failed");
}
