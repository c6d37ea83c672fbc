// The laws that hold for every technique and every packet, over both builds of the engine.
import { beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Verdict } from "@bunnel/abi";
import type { Engine, EngineBuild } from "@bunnel/engine";
import { parseStrategy } from "@bunnel/profile";
import {
  clientHello,
  decodePacket,
  httpRequest,
  segmentSuperPacket,
  superPacket,
  tcpOptions,
  tcpPacket,
  verifyChecksums,
  VIRTIO_NEEDS_CHECKSUM,
  virtioNetHeader,
} from "@bunnel/wire";
import { anyPacket, mutatedPacket } from "@bunnel/wire/arbitrary";
import { BUILDS, carry, engineOf, readByEndpoint, tableOf } from "./rig.ts";

const RUNS = 300;

const hostName = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,12}$/u), { minLength: 1, maxLength: 4 })
  .map((labels) => `${labels.join(".")}.example.org`);

const message = fc.oneof(
  fc.record({ host: hostName, bytes: fc.integer({ min: 300, max: 1400 }) }).map(({ host, bytes }) => ({
    kind: "tls" as const,
    octets: clientHello({ serverName: host, padToBytes: bytes }),
  })),
  hostName.map((host) => ({ kind: "http" as const, octets: httpRequest({ host }) })),
);

/** A strategy of up to four passes in the words of the notation; points that a message does not have are skipped. */
function strategyFor(kind: "tls" | "http"): fc.Arbitrary<string> {
  const markers = ["host", "endhost", "sld", "midsld", "endsld", kind === "tls" ? "sniext" : "method"];
  const point = fc.oneof(
    fc
      .integer({ min: -40, max: 300 })
      .filter((n) => n !== 0)
      .map(String),
    fc
      .tuple(fc.constantFrom(...markers), fc.integer({ min: -6, max: 6 }))
      .map(([marker, offset]) => (offset === 0 ? marker : `${marker}${offset > 0 ? "+" : ""}${offset}`)),
  );
  const split = fc.uniqueArray(point, { minLength: 1, maxLength: 5 }).map((points) => `split(${points.join(", ")})`);
  const name = kind === "tls" ? "sni" : "host";
  const fake = fc
    .record({
      fooling: fc.constantFrom("ttl=3", "badsum", "ttl=5, badsum", "badseq", "badseq, datanoack"),
      decoy: fc.constantFrom(`, ${name}=www.example.org`, `, ${name}=a.example`, ", zeros", ""),
      times: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ fooling, decoy, times }) => `fake(${fooling}${decoy}${times > 1 ? `, x${times}` : ""})`);
  return fc
    .array(fc.oneof(split, fc.constant("disorder"), fake), { minLength: 1, maxLength: 4 })
    .map((passes) => `${kind}: ${passes.join(" ")}`)
    .filter(isStrategy);
}

/** The notation refuses what cannot act, such as a disorder with no split before it. */
function isStrategy(text: string): boolean {
  try {
    parseStrategy(text);
    return true;
  } catch {
    return false;
  }
}

const sentMessage = message.chain(({ kind, octets }) =>
  fc.record({
    strategy: strategyFor(kind),
    packet: fc
      .record({
        v6: fc.boolean(),
        seq: fc.nat(0xffffffff),
        withOptions: fc.boolean(),
        id: fc.nat(0xffff),
        hopLimit: fc.constantFrom(64, 128),
      })
      .map(({ v6, seq, withOptions, id, hopLimit }) =>
        tcpPacket({
          source: v6 ? "2001:db8::7" : "192.0.2.7",
          destination: v6 ? "2001:db8:1::9" : "203.0.113.9",
          sourcePort: 40000,
          destinationPort: 443,
          seq,
          ack: 1,
          flags: "PA",
          hopLimit,
          id,
          ...(withOptions && {
            options: tcpOptions([{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 7, echo: 9 }]),
          }),
          payload: octets,
        }),
      ),
  }),
);

describe.each(BUILDS)("engine, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  test("endpoint law: a receiver reads exactly the octets that were sent, whatever the strategy", () => {
    fc.assert(
      fc.property(sentMessage, ({ strategy, packet }) => {
        engine.loadRules(tableOf(strategy));
        const sent = carry(engine, packet, { mtuBytes: 1500 });
        expect(readByEndpoint(sent, packet)).toEqual(decodePacket(packet).payload);
        for (const out of sent) expect(out.length).toBeLessThanOrEqual(1500);
      }),
      { numRuns: RUNS },
    );
  });

  test("endpoint law: a super-packet is planned whole and cut at the kernel's segment size", () => {
    engine.loadRules(tableOf("tls: fake(ttl=3) split(1, midsld) disorder"));
    fc.assert(
      fc.property(fc.integer({ min: 1500, max: 9000 }), fc.integer({ min: 88, max: 1400 }), (bytes, gsoBytes) => {
        const { header, packet } = superPacket(
          {
            source: "192.0.2.7",
            destination: "203.0.113.9",
            sourcePort: 40000,
            destinationPort: 443,
            seq: 0xffffff00,
            flags: "PA",
            payload: clientHello({ serverName: "video.example.org", padToBytes: bytes }),
          },
          gsoBytes,
        );
        const sent = carry(engine, packet, { mtuBytes: 1500, rxVnet: true }, header);
        expect(readByEndpoint(sent, packet)).toEqual(decodePacket(packet).payload);
        for (const out of sent) expect(decodePacket(out).payloadBytes).toBeLessThanOrEqual(gsoBytes);
      }),
      { numRuns: RUNS },
    );
  });

  test("no rule: every packet leaves octet for octet as it came", () => {
    engine.unloadRules();
    fc.assert(
      fc.property(anyPacket(), (packet) => {
        expect(carry(engine, packet, { mtuBytes: 9000 })).toEqual([packet]);
      }),
      { numRuns: RUNS },
    );
  });

  test("determinism: the same packet and rules give the same octets", () => {
    fc.assert(
      fc.property(sentMessage, ({ strategy, packet }) => {
        engine.loadRules(tableOf(strategy));
        expect(carry(engine, packet)).toEqual(carry(engine, packet));
      }),
      { numRuns: RUNS },
    );
  });

  test("conservation law: packets in = passed + replaced + held + dropped, for any packets in bursts", () => {
    engine.loadRules(tableOf("tls: split(1, midsld) disorder"));
    engine.reset();
    const lane = engine.lane(0, { mtuBytes: 1500, dropLinkScope: true });
    let given = 0;
    let listed = 0;
    fc.assert(
      fc.property(fc.array(fc.oneof(anyPacket(), mutatedPacket()), { minLength: 1, maxLength: 64 }), (packets) => {
        const small = packets.filter((packet) => packet.length <= lane.slotPacketBytes);
        for (const [i, packet] of small.entries()) lane.place(i, packet);
        for (let done = 0; done < small.length;) {
          const from = done;
          done = lane.poll(from, small.length, 0);
          expect(done).toBeGreaterThan(from);
          let expected = 0;
          for (let i = from; i < done; i++) {
            const meta = lane.meta(i);
            expect(meta.txCount === 0).toBe(meta.verdict === Verdict.Drop || meta.verdict === Verdict.Hold);
            expected += meta.txCount;
          }
          // Packets that were held leave by themselves when their time is over.
          expect(lane.txCount).toBeGreaterThanOrEqual(expected);
          listed += expected;
        }
        given += small.length;
        const counters = engine.counters();
        expect(counters.packetsIn).toBe(given);
        expect(counters.passed + counters.replaced + counters.held + counters.dropped).toBe(given);
      }),
      { numRuns: 100 },
    );
    expect(listed).toBeGreaterThan(0);
  });

  test("a super-packet without a plan is cut as the codec cuts it", () => {
    engine.unloadRules();
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer({ min: 1401, max: 30000 }),
        fc.integer({ min: 500, max: 1400 }),
        (v6, n, gso) => {
          const { header, packet } = superPacket(
            {
              source: v6 ? "2001:db8::7" : "192.0.2.7",
              destination: v6 ? "2001:db8:1::9" : "203.0.113.9",
              sourcePort: 40000,
              destinationPort: 5001,
              seq: 0xfffff000,
              flags: "FPA",
              id: 0xfffe,
              payload: new Uint8Array(n).map((_, i) => i * 7),
            },
            gso,
          );
          const sent = carry(engine, packet, { mtuBytes: 1500, rxVnet: true }, header);
          expect(sent).toEqual(segmentSuperPacket(header, packet));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("a checksum that was left to the device is finished as the codec finishes it, or the packet dropped", () => {
    engine.unloadRules();
    const places = fc.record({
      checksumStart: fc.constantFrom(20, 40, 40, 60, 2000),
      checksumOffset: fc.constantFrom(6, 16),
    });
    let dropped = 0;
    fc.assert(
      fc.property(anyPacket(), places, (packet, place) => {
        const header = virtioNetHeader({ flags: VIRTIO_NEEDS_CHECKSUM, ...place });
        const lane = { mtuBytes: 9000, rxVnet: true };
        const fits = place.checksumStart + place.checksumOffset + 2 <= packet.length;
        if (!fits) dropped++;
        expect(carry(engine, packet, lane, header)).toEqual(fits ? segmentSuperPacket(header, packet) : []);
      }),
      { numRuns: RUNS },
    );
    expect(dropped).toBeGreaterThan(10);
  });

  test("every packet that a plan makes has right lengths and checksums, unless the plan says badsum", () => {
    fc.assert(
      fc.property(sentMessage, ({ strategy, packet }) => {
        engine.loadRules(tableOf(strategy));
        for (const out of carry(engine, packet)) {
          const decoded = decodePacket(out);
          expect(decoded.totalBytes).toBe(out.length);
          const sums = verifyChecksums(out);
          expect(sums.ip).not.toBe(false);
          if (!strategy.includes("badsum")) expect(sums.transport).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });
});
