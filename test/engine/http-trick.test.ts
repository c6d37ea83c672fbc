// The tricks of HTTP change octets and keep the length, and a server reads the same request (RFC 9112 section 2.2 and
// 5.1: a line feed alone ends a line, names are compared without case, white space around a value does not count).
import { beforeAll, describe, expect, test } from "bun:test";
import { HOLD_MESSAGE_MAX_BYTES, HttpTrick, L7, Technique } from "@bunnel/abi";
import type { Engine, EngineBuild } from "@bunnel/engine";
import { decodePacket, tcpPacket } from "@bunnel/wire";
import fc from "fast-check";
import { anyMessage, anyStrategy, httpTrick } from "./arbitrary.ts";
import { Connection } from "./connection.ts";
import { anyFaults, sendUntilRead } from "./network.ts";
import { meaningOf } from "./http-meaning.ts";
import { BUILDS, carry, engineOf } from "./rig.ts";
import { writeTable } from "./table-writer.ts";

const RUNS = 400;

/** One that is remembered whole: of a longer one a part of the head that is sent again by itself leaves unchanged. */
const request = anyMessage.filter(({ l7, octets }) => l7 === L7.Http && octets.length <= HOLD_MESSAGE_MAX_BYTES);

const anyFamily = fc.constantFrom(4 as const, 6 as const);
const sent = (octets: Uint8Array, family: 4 | 6 = 4): Uint8Array =>
  tcpPacket({
    source: family === 4 ? "192.0.2.7" : "2001:db8::7",
    destination: family === 4 ? "203.0.113.9" : "2001:db8:1::9",
    sourcePort: 40000,
    destinationPort: 80,
    payload: octets,
  });

describe.each(BUILDS)("httphost, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  test("the request means the same and has the same length", () => {
    fc.assert(
      fc.property(
        request.filter(({ octets }) => octets.length <= 1400),
        httpTrick,
        anyFamily,
        ({ octets }, op, family) => {
          engine.reset();
          engine.loadRules(writeTable(L7.Http, [op]));
          const [out, ...more] = carry(engine, sent(octets, family)).map((packet) => decodePacket(packet).payload);
          expect(more).toEqual([]);
          expect(out?.length).toBe(octets.length);
          expect(meaningOf(out ?? new Uint8Array(0))).toEqual(meaningOf(octets));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("with other techniques, loss and retransmissions in parts one and the same changed request is read", () => {
    fc.assert(
      fc.property(
        request,
        httpTrick,
        anyStrategy(L7.Http),
        anyFaults,
        anyFamily,
        ({ octets }, op, ops, faults, family) => {
          engine.loadRules(writeTable(L7.Http, [op, ...ops.slice(0, 5)]));
          const path = { family, port: 80, firstSeq: 7, timestamps: true, segmentBytes: 1400 } as const;
          const connection = new Connection(engine, path).open();
          sendUntilRead(connection, octets, faults);
          expect(connection.stream.length).toBe(octets.length);
          expect(meaningOf(connection.stream)).toEqual(meaningOf(octets));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("octets of the body are left alone, also those that look like a User-Agent", () => {
    const text = "POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 24\r\n\r\nx\r\nUser-Agent: not this\r\n";
    const octets = Uint8Array.from(Buffer.from(text));
    for (const trick of [HttpTrick.UnixEol, HttpTrick.HostNoSpace]) {
      engine.reset();
      engine.loadRules(writeTable(L7.Http, [{ technique: Technique.HttpTrick, value: trick }]));
      expect(carry(engine, sent(octets))).toEqual([sent(octets)]);
    }
  });
});
