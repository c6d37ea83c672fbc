// The lives of translations: how they begin, wait, end and come back, and that every packet is counted once.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Admission, Reason, TRANSLATE_ENDED_MS, TRANSLATE_IDLE_MS, TRANSLATE_RESET_MS } from "@bunnel/abi";
import type { Engine } from "@bunnel/engine";
import { decodePacket, tcpOptions, tcpPacket } from "@bunnel/wire";
import fc from "fast-check";
import { BUILDS, engineOf } from "./rig.ts";
import {
  answerTo,
  connect,
  conserved,
  ends,
  LISTENER_PORT,
  LOCAL,
  only,
  outwards,
  right,
  SETUP,
  through,
  translating,
} from "./translation-rig.ts";

setDefaultTimeout(60_000);

describe.each(BUILDS)("lives of translations, %s build", (build) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  test("a held SYN goes to the listener when the host says so, and the connection goes on", () => {
    const { lane, translations } = translating(engine, { ...SETUP, holds: true });
    for (const v6 of [false, true]) {
      const from = outwards({ v6, client: 7, server: 9, port: 40000 });
      const syn = tcpPacket({ ...from, flags: "S", seq: 77, options: tcpOptions([{ kind: "mss", bytes: 1460 }]) });
      const { sent, reason, wanted } = through(lane, syn);
      expect([sent.length, reason, wanted.length]).toEqual([0, Reason.HoldAwaited, 1]);
      // The client tries again while the host is busy.
      expect(through(lane, syn)).toMatchObject({ sent: [], reason: Reason.DropAwaited, wanted: [] });
      const connection = translations.wanted(wanted[0] ?? -1);
      expect(connection).toMatchObject({ lane: 0, destination: { address: from.destination, port: 443 } });
      expect(lane.admit(wanted[0] ?? -1, Admission.Connected, 5)).toBe(true);
      const released = only(lane.sent());
      right(released);
      expect(decodePacket(released)).toMatchObject({
        source: connection?.peer.address,
        sourcePort: connection?.peer.port,
        seq: 77,
      });
      expect(lane.admit(wanted[0] ?? -1, Admission.Connected, 5)).toBe(false);
      right(only(through(lane, tcpPacket({ ...from, payload: Uint8Array.of(1) })).sent));
    }
    conserved(engine);
  });

  test("a refused SYN is answered with a reset from the server, an unreachable one with ICMP, or not at all", () => {
    const { lane, translations } = translating(engine, { ...SETUP, holds: true });
    for (const v6 of [false, true]) {
      for (const admission of [Admission.Refused, Admission.Unreachable, Admission.Silent]) {
        const from = outwards({ v6, client: 7, server: 9, port: 40000 });
        const syn = tcpPacket({ ...from, flags: "S", seq: 0xffffffff });
        const { wanted } = through(lane, syn);
        expect(lane.admit(wanted[0] ?? -1, admission, 5)).toBe(true);
        const sent = lane.sent();
        expect(sent.length).toBe(admission === Admission.Silent ? 0 : 1);
        for (const packet of sent) {
          right(packet);
          const { source, destination, protocol, ack, payload } = decodePacket(packet);
          expect([source, destination]).toEqual([from.destination, from.source]);
          if (admission === Admission.Refused) expect([protocol, ack]).toEqual([6, 0]);
          else expect(payload).toEqual(syn);
        }
        expect(translations.count).toBe(0);
      }
    }
    conserved(engine);
  });

  test.each([false, true])("closed, they end as their two ends say, and none begins: IPv6 %p", (v6) => {
    const { lane, translations } = translating(engine, SETUP);
    const pair = { v6, client: 7, server: 9, port: 40000 };
    const syn = connect(lane, pair);
    translations.close();
    right(only(through(lane, tcpPacket({ ...outwards(pair), payload: Uint8Array.of(1) })).sent));
    const reset = only(through(lane, tcpPacket(answerTo(syn, { flags: "RA" }))).sent);
    right(reset);
    expect(decodePacket(reset)).toMatchObject({ destination: outwards(pair).source, destinationPort: 40000 });
    const another = tcpPacket({ ...outwards({ ...pair, port: 40001 }), flags: "S" });
    expect(through(lane, another).sent).toEqual([another]);
    expect(translations.count).toBe(1);
    conserved(engine);
  });

  test("data on a SYN is left out while it is held", () => {
    const { lane } = translating(engine, { ...SETUP, holds: true });
    const from = outwards({ v6: false, client: 7, server: 9, port: 40000 });
    const { wanted } = through(lane, tcpPacket({ ...from, flags: "S", payload: Uint8Array.of(1, 2, 3) }));
    lane.admit(wanted[0] ?? -1, Admission.Connected, 5);
    const released = only(lane.sent());
    right(released);
    expect(decodePacket(released).payloadBytes).toBe(0);
  });

  test("further peers are used when the ports of one are, and a full table refuses with a reset", () => {
    const setup = { ...SETUP, portsPerPeer: 3, capacity: 7 };
    const { lane, translations } = translating(engine, setup);
    const seen = Array.from({ length: 7 }, (_, i) =>
      ends(connect(lane, { v6: i % 2 === 1, client: 7, server: 9, port: 40000 + i })),
    );
    expect(seen.map((text) => text.split(" ").slice(0, 2).join(" "))).toEqual([
      "10.0.85.2 1024",
      "fd62:756e:6e65:6c::2 1025",
      "10.0.85.2 1026",
      "fd62:756e:6e65:6c::3 1024",
      "10.0.85.3 1025",
      "fd62:756e:6e65:6c::3 1026",
      "10.0.85.4 1024",
    ]);
    const { sent, reason } = through(
      lane,
      tcpPacket({ ...outwards({ v6: false, client: 8, server: 9, port: 1 }), flags: "S", seq: 5 }),
    );
    expect(reason).toBe(Reason.DropTranslationsFull);
    expect(decodePacket(only(sent))).toMatchObject({
      source: "203.0.113.9",
      destination: "192.0.2.8",
      ack: 6,
      tcpFlags: 0x14,
    });
    right(only(sent));
    expect(translations.count).toBe(7);
    expect(engine.counters().translationsRefused).toBe(1);
    // Those that stand go on.
    for (let i = 0; i < 7; i++) {
      const pair = { v6: i % 2 === 1, client: 7, server: 9, port: 40000 + i };
      expect(ends(only(through(lane, tcpPacket(outwards(pair))).sent))).toBe(seen[i] ?? "");
    }
    conserved(engine);
  });

  test("an entry comes back after FIN from both sides, after a reset, and after long silence, and not before", () => {
    for (const end of ["fin", "client reset", "listener reset", "idle"] as const) {
      const { lane, translations } = translating(engine, { ...SETUP, capacity: 5 });
      const pair = { v6: false, client: 7, server: 9, port: 40000 };
      const from = outwards(pair);
      const syn = connect(lane, pair);
      const answer = (flags: string) => through(lane, tcpPacket(answerTo(syn, { flags })));
      if (end === "fin") {
        through(lane, tcpPacket({ ...from, flags: "FA" }));
        through(lane, tcpPacket(from), TRANSLATE_ENDED_MS);
        expect(translations.count).toBe(1);
        through(lane, tcpPacket(answerTo(syn, { flags: "FA" })), TRANSLATE_ENDED_MS);
      } else if (end === "client reset") through(lane, tcpPacket({ ...from, flags: "R" }));
      else if (end === "listener reset") answer("RA");
      const start = end === "fin" ? TRANSLATE_ENDED_MS : 0;
      const life = end === "idle" ? TRANSLATE_IDLE_MS : end === "fin" ? TRANSLATE_ENDED_MS : TRANSLATE_RESET_MS;
      lane.poll(0, 0, start + life - 1);
      expect(translations.count).toBe(1);
      lane.poll(0, 0, start + life + 1001);
      expect(translations.count).toBe(0);
      expect(engine.counters().translationsExpired).toBe(1);
    }
  });

  test("a full table gives up what has ended before it refuses", () => {
    const { lane, translations } = translating(engine, { ...SETUP, capacity: 2 });
    const first = { v6: false, client: 7, server: 9, port: 1 };
    connect(lane, first);
    connect(lane, { ...first, port: 2 });
    through(lane, tcpPacket({ ...outwards(first), flags: "RA" }));
    lane.place(0, tcpPacket({ ...outwards({ ...first, port: 3 }), flags: "S" }));
    lane.poll(0, 1, 500);
    expect(ends(only(lane.sent()))).toBe(`10.0.85.2 1024 > 10.0.85.1 ${LISTENER_PORT}`);
    expect(engine.counters().translationsEvicted).toBe(1);
    expect(translations.count).toBe(2);
  });

  test("a new SYN on the ports of an old connection is a new connection; the same SYN again is the same", () => {
    const { lane, translations } = translating(engine);
    const pair = { v6: false, client: 7, server: 9, port: 40000 };
    const first = ends(connect(lane, pair, 1));
    expect(ends(connect(lane, pair, 1))).toBe(first);
    expect(ends(connect(lane, pair, 2))).not.toBe(first);
    expect(translations.count).toBe(1);
  });

  test("whatever comes, no entry is lost and every packet is counted once", () => {
    const step = fc.record({
      pair: fc.record({
        v6: fc.boolean(),
        client: fc.integer({ min: 1, max: 3 }),
        server: fc.constant(9),
        port: fc.integer({ min: 1, max: 6 }),
      }),
      flags: fc.constantFrom("S", "S", "A", "PA", "FA", "R", "RA", "SA", "SF"),
      seq: fc.integer({ min: 0, max: 2 }),
      answers: fc.boolean(),
      peer: fc.integer({ min: 1022, max: 1034 }),
      passMs: fc.constantFrom(0, 1, 150, 12_000, 70_000, 8_000_000),
      admission: fc.integer({ min: 0, max: 5 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, holds) => {
        const { lane, translations } = translating(engine, { ...SETUP, capacity: 9, portsPerPeer: 4, holds });
        let now = 0xffff_0000;
        for (const { pair, flags, seq, answers, peer, passMs, admission } of steps) {
          now = (now + passMs) >>> 0;
          const from = answers
            ? {
                source: LOCAL[pair.v6 ? 6 : 4],
                destination: pair.v6 ? "fd62:756e:6e65:6c::2" : "10.0.85.2",
                sourcePort: LISTENER_PORT,
                destinationPort: peer,
              }
            : outwards(pair);
          const { wanted, sent } = through(lane, tcpPacket({ ...from, flags, seq }), now);
          for (const packet of sent) right(packet);
          for (const each of wanted) if (admission > 0) lane.admit(each, admission, now);
          expect(translations.count).toBeLessThanOrEqual(9);
          conserved(engine);
        }
        // Two hours later nothing of it is left.
        for (let pass = 0; pass < 3; pass++) lane.poll(0, 0, (now + 9_000_000 + pass * 2000) >>> 0);
        expect(translations.count).toBe(0);
        const { translationsMade, translationsExpired } = engine.counters();
        expect(translationsExpired).toBeLessThanOrEqual(translationsMade);
        conserved(engine);
      }),
      { numRuns: 150 },
    );
  });
});
