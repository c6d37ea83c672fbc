// What holds for all datagrams. The codec of @bunnel/wire, which is plain and has other parts, is the witness.
import { expect, test } from "bun:test";
import { quicInitial, quicInitials, readQuicServerName } from "@bunnel/wire";
import { anyQuicInitial, mutatedQuicInitial } from "@bunnel/wire/arbitrary";
import fc from "fast-check";
import { QuicNames } from "./quic-names.ts";

/** The first name that comes out, with a look at every datagram before it. */
function firstName(names: QuicNames, datagrams: readonly Uint8Array[], flowKey: bigint): string | undefined {
  for (const datagram of datagrams) {
    const answer = names.look(datagram, flowKey, 0);
    if (typeof answer === "object") return answer.name;
  }
  return undefined;
}

function shuffled<Item>(items: readonly Item[], ranks: readonly number[]): Item[] {
  const ranked = items.map((item, index) => ({ item, rank: ranks[index] ?? 0 }));
  return ranked.toSorted((left, right) => left.rank - right.rank).map(({ item }) => item);
}

const anyRanks = fc.array(fc.nat(9), { maxLength: 8 });

test("any split, order and repetition gives the name that the builder put in", () => {
  const names = new QuicNames();
  let flow = 0n;
  fc.assert(
    fc.property(anyQuicInitial(), anyRanks, fc.boolean(), ({ datagrams, host }, ranks, twice) => {
      const sent = shuffled(twice ? [...datagrams, ...datagrams] : datagrams, ranks);
      expect(firstName(names, sent, ++flow)).toBe(host as string);
    }),
    { numRuns: 1000 },
  );
});

test("a hello without a name is none once it is whole, and never before that", () => {
  const hostless = anyQuicInitial().filter(({ host }) => host === undefined);
  fc.assert(
    fc.property(hostless, ({ datagrams }) => {
      const names = new QuicNames();
      const answers = datagrams.map((datagram) => names.look(datagram, 1n, 0));
      expect(answers).toEqual(datagrams.map((_, index) => (index === datagrams.length - 1 ? "none" : "incomplete")));
    }),
    { numRuns: 100 },
  );
});

test("faults of any depth: the same name as the codec finds, or none", () => {
  const names = new QuicNames();
  let flow = 0n;
  let found = 0;
  fc.assert(
    fc.property(mutatedQuicInitial(), anyRanks, (datagrams, ranks) => {
      const sent = shuffled(datagrams, ranks);
      const name = firstName(names, sent, ++flow);
      expect(name).toBe(readQuicServerName(sent) as string);
      if (name !== undefined) found++;
    }),
    { numRuns: 2000 },
  );
  expect(found).toBeGreaterThan(100);
});

test("two flows in one another's midst: each the name as if alone", () => {
  fc.assert(
    fc.property(anyQuicInitial(), mutatedQuicInitial(), ({ datagrams, host }, others) => {
      const names = new QuicNames();
      const rest = [...others];
      const answers = datagrams.map((datagram) => {
        const other = rest.shift();
        if (other) names.look(other, 2n, 0);
        return names.look(datagram, 1n, 0);
      });
      const last = answers.at(-1);
      expect(typeof last === "object" ? last.name : undefined).toBe(host as string);
    }),
    { numRuns: 300 },
  );
});

test("any octets, flow and time: an answer, and no flow for what is no Initial", () => {
  const names = new QuicNames();
  const start = fc.constantFrom([], [0xc0, 0, 0, 0, 1], [0xd0, 0x6b, 0x33, 0x43, 0xcf], [0xc3, 0, 0, 0, 1, 8]);
  const octets = fc.tuple(start, fc.uint8Array({ maxLength: 1500, size: "large" })).map(([head, rest]) => {
    return Uint8Array.from([...head, ...rest]);
  });
  fc.assert(
    fc.property(octets, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.double(), (payload, flowKey, nowMs) => {
      expect(names.look(payload, flowKey, nowMs)).toBe("none");
    }),
    { numRuns: 3000 },
  );
  expect(names.flows).toBe(0);
});

test("flows without end: no more of them than the limit, and their memory is used again", () => {
  const names = new QuicNames({ maxFlows: 16 });
  const [half = new Uint8Array(0)] = quicInitials({ serverName: "video.example.org", datagrams: 2 });
  const whole = quicInitial({ serverName: "video.example.org" });
  const fill = (from: number, to: number): void => {
    for (let i = from; i < to; i++) names.look(i % 2 === 0 ? half : whole, BigInt(i), i);
  };
  fill(0, 2000);
  Bun.gc(true);
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  fill(2000, 22000);
  Bun.gc(true);
  const after = process.memoryUsage();
  expect(names.flows).toBe(16);
  // 20 000 flows of 16 KiB each would be 320 MB.
  expect(after.arrayBuffers - arrayBuffers).toBeLessThan(4_000_000);
  expect(after.heapUsed - heapUsed).toBeLessThan(4_000_000);
});
