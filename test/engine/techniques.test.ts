// The endpoint law for every technique: a receiver that holds to the RFCs reads exactly the octets that were sent,
// whatever the numbers, the order of the passes, and the network in between.
import { beforeAll, describe, expect, test } from "bun:test";
import { Decoy, Fooling, L7, Technique } from "@bunnel/abi";
import type { Engine, EngineBuild } from "@bunnel/engine";
import { clientHello, decodePacket, verifyChecksums } from "@bunnel/wire";
import fc from "fast-check";
import { anyMessage, anyStrategy, strategyWith, synOps, tcpOps } from "./arbitrary.ts";
import { Connection, foolingsIn, HOPS } from "./connection.ts";
import { anyNetworkCase, anyPath, caseOf, checkPlanLaws, connect, type PlanCase } from "./plan-laws.ts";
import { BUILDS, engineOf } from "./rig.ts";
import { type Op, writeTable } from "./table-writer.ts";

const MTU_BYTES = 1500;
const RUNS = 150;
const RUNS_MIXED = 800;

describe.each(BUILDS)("techniques, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  /** Sends the message once and holds what leaves to the laws of single packets. */
  function check(one: PlanCase): void {
    const connection = connect(engine, one);
    const { packet, header } = connection.segment(one.octets, 0, one.octets.length);
    const sent = connection.send(packet, header);
    for (const out of sent) expectSound(out, packet);
    connection.deliver(sent);
    expect(connection.state).toBe("established");
    expect(Buffer.from(connection.stream).equals(Buffer.from(one.octets))).toBe(true);
  }

  test.each(Object.keys(tcpOps(L7.Tls)))("%s: the endpoint reads what was sent", (technique) => {
    fc.assert(
      fc.property(
        caseOf((l7) => strategyWith(l7, technique)),
        check,
      ),
      { numRuns: RUNS },
    );
  });

  test("six passes of any techniques: the endpoint reads what was sent", () => {
    fc.assert(fc.property(caseOf(anyStrategy), check), { numRuns: RUNS_MIXED });
  });

  test("over a network that loses, doubles and reorders, every law of a plan holds", () => {
    fc.assert(
      fc.property(anyNetworkCase, (one) => checkPlanLaws(engine, one)),
      { numRuns: RUNS_MIXED },
    );
  });

  test.each(Object.keys(synOps))(
    "%s on the SYN: the connection opens, and the endpoint reads what was sent",
    (technique) => {
      const strategy = fc.tuple(
        synOps[technique] ?? fc.constant(undefined),
        fc.array(fc.oneof(...Object.values(synOps)), { maxLength: 5 }),
      );
      fc.assert(
        fc.property(anyMessage, anyPath, strategy, fc.boolean(), (message, chosen, [first, more], isLost) => {
          if (first === undefined) throw new Error(`technique ${technique}: expected one of the SYN`);
          engine.loadRules(writeTable(L7.Syn, [first, ...more]));
          const connection = new Connection(engine, { ...chosen, port: 443 });
          // The first copy of the SYN may be lost as a whole.
          if (isLost) connection.send(connection.syn());
          connection.open();
          const { packet, header } = connection.segment(message.octets, 0, message.octets.length);
          connection.deliver(connection.send(packet, header));
          expect(connection.state).toBe("established");
          expect(Buffer.from(connection.stream).equals(Buffer.from(message.octets))).toBe(true);
        }),
        { numRuns: RUNS },
      );
    },
  );

  test.each([4, 6] as const)(
    "IPv%d: what changes numbers, flags, hop limit or window leaves a right checksum",
    (family) => {
      const octets = clientHello({ serverName: "video.example.org" });
      const options = { family, firstSeq: 7, timestamps: true, segmentBytes: 1400 } as const;
      const fake = { technique: Technique.Fake, decoy: Decoy.Name, ttl: 3 };
      const changes: readonly Op[] = [
        { ...fake, foolings: Fooling.BadSeq, value: 0, value2: -70_000 },
        { ...fake, foolings: Fooling.BadSeq, value: -70_000, value2: 70_000 },
        { ...fake, foolings: Fooling.DataNoAck | Fooling.Ttl },
        { technique: Technique.Window, word: 64, value: -1 },
      ];
      for (const op of changes) {
        const connection = connect(engine, { l7: L7.Tls, octets, ops: [op], options });
        const sent = connection.send(connection.segment(octets, 0, octets.length).packet);
        expect(sent.map((out) => verifyChecksums(out).transport)).toEqual(sent.map(() => true));
      }
    },
  );

  test("the endpoint does read a decoy that arrives: what is expected of it here can fail", () => {
    const arrives: Op = { technique: Technique.Fake, foolings: Fooling.Ttl, ttl: HOPS + 1, decoy: Decoy.Zeros };
    const octets = clientHello({ serverName: "video.example.org" });
    const options = { family: 4, firstSeq: 7, timestamps: true, segmentBytes: 1400 } as const;
    const connection = connect(engine, { l7: L7.Tls, octets, ops: [arrives], options });
    connection.deliver(connection.send(connection.segment(octets, 0, octets.length).packet));
    expect(connection.stream).toEqual(new Uint8Array(octets.length));
  });
});

/** Lengths and checksums hold, and what is not the message's own is visibly fooled. */
function expectSound(out: Uint8Array, original: Uint8Array): void {
  expect(out.length).toBeLessThanOrEqual(MTU_BYTES);
  expect(verifyChecksums(out).ip).not.toBe(false);
  const made = decodePacket(out);
  if (made.family !== 0) expect(made.totalBytes).toBe(out.length);
  if (made.fragment) return;
  const first = decodePacket(original);
  const at = (made.seq - first.seq) | 0;
  const isOwn =
    made.family !== 0 &&
    made.tcpFlags !== 0 &&
    (made.tcpFlags & 4) === 0 &&
    made.payload.every((octet, i) => at + i < 0 || first.payload[at + i] === octet);
  if (isOwn) return;
  const inner = at > 0 && made.payload.length > 0;
  const fooled = foolingsIn(out, original) !== 0;
  // A second piece's overlap is the only octets of another kind that leave without a fooling.
  if (!fooled) expect(inner).toBe(true);
}
