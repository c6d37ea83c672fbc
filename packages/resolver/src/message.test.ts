import { describe, expect, test } from "bun:test";
import { decode } from "dns-packet";
import fc from "fast-check";
import { address, answer, query, read, soa } from "../test/messages.ts";
import { answerTo, fitUdp, keep } from "./answer.ts";
import { askFor, readAnswer } from "./ask.ts";
import { readMessage } from "./message.ts";
import { readQuery, type Query } from "./query.ts";

const asked = query("www.example.org", { udpBytes: 1400, dnssecOk: true });
const told = answer(asked, {
  answers: [{ type: "CNAME", name: "www.example.org", data: "a.example.org" }, address("a.example.org", "192.0.2.1")],
  authorities: [soa("example.org", 60, 30)],
  additionals: [{ type: "TXT", name: "b.example.org", data: ["text"] }],
});

/** A message with some octets changed, cut or added. */
function mutated(base: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.record({ at: fc.nat(base.length - 1), octet: fc.nat(255) });
  const cut = fc.option(fc.nat(base.length), { nil: undefined });
  return fc
    .tuple(fc.array(change, { maxLength: 6 }), cut, fc.uint8Array({ maxLength: 4 }))
    .map(([changes, at, more]) => {
      const octets = base.slice();
      for (const { at: place, octet } of changes) octets[place] = octet;
      return Uint8Array.from([...octets.subarray(0, at), ...more]);
    });
}

const hostile = fc.oneof(mutated(asked), mutated(told), fc.uint8Array({ maxLength: 80 }));

function queryOf(octets: Uint8Array): Query {
  const found = readQuery(octets);
  if (found === undefined || "rcode" in found) throw new Error("expected a query");
  return found;
}

describe("readMessage()", () => {
  test("finds what dns-packet finds, at the places where it stands", () => {
    const { question, records } = readMessage(told) ?? { question: undefined, records: [] };
    expect(question).toMatchObject({ type: 1, cls: 1, nameBytes: 17 });
    expect(records.map(({ section, type }) => `${section} ${type}`)).toEqual([
      "answer 5",
      "answer 1",
      "authority 6",
      "additional 16",
    ]);
    expect(records.at(-1)?.end).toBe(told.length);
  });

  test("never throws, and what it takes has as many records as it says", () => {
    fc.assert(
      fc.property(hostile, (octets) => {
        const message = readMessage(octets);
        if (message === undefined) return;
        const counts = [6, 8, 10].map((at) => message.view.getUint16(at));
        expect(message.records.length).toBe(counts.reduce((sum, count) => sum + count, 0));
      }),
      { numRuns: 3000 },
    );
  });

  test("takes whatever dns-packet writes", () => {
    const label = fc.stringMatching(/^[a-z0-9-]{1,20}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join("."));
    fc.assert(
      fc.property(name, fc.array(name, { maxLength: 5 }), (host, others) => {
        const octets = answer(query(host), { answers: others.map((data) => ({ type: "CNAME", name: host, data })) });
        expect(readMessage(octets)?.records.length).toBe(others.length);
      }),
    );
  });

  test("refuses a name that points at itself, and one that points forward", () => {
    const loop = Uint8Array.from([...told.subarray(0, 33), 0xc0, 33, ...told.subarray(50)]);
    expect(readMessage(loop)).toBeUndefined();
    const forward = Uint8Array.from([...told.subarray(0, 33), 0xc0, 60, ...told.subarray(50)]);
    expect(readMessage(forward)).toBeUndefined();
  });
});

describe("readQuery()", () => {
  test("never throws, and its query for an upstream is one that reads back", () => {
    fc.assert(
      fc.property(hostile, (octets) => {
        const found = readQuery(octets);
        if (found === undefined || "rcode" in found) return;
        const again = queryOf(askFor(found, { id: 0, padded: true }));
        expect([again.name, again.type, again.edns?.dnssecOk]).toEqual([
          found.name,
          found.type,
          found.edns?.dnssecOk === true,
        ]);
      }),
      { numRuns: 3000 },
    );
  });

  test("keys are equal for what the same answer fits", () => {
    const key = (...parts: Parameters<typeof query>): string => queryOf(query(...parts)).key;
    expect(key("WWW.example.org", { id: 1 })).toBe(key("www.example.org", { id: 2, udpBytes: 600 }));
    expect(key("www.example.org")).not.toBe(key("www.example.org", { udpBytes: 600, dnssecOk: true }));
    expect(key("www.example.org")).not.toBe(key("www.example.org", { type: "AAAA" }));
    expect(key("www.example.org")).not.toBe(key("www.example.org", { flags: 0x0010 }));
  });
});

describe("answerTo()", () => {
  test("whatever an upstream says: an answer that reads back, or no answer at all", () => {
    const found = queryOf(asked);
    const put = askFor(found, { id: 0x1234, padded: false });
    fc.assert(
      fc.property(mutated(told), fc.nat(1000), (octets, age) => {
        const message = readAnswer(octets, put);
        if (message === undefined) return;
        const kept = keep(message);
        const whole = answerTo(found, kept, age);
        expect(readMessage(whole)?.id).toBe(0x1234);
        expect(readMessage(fitUdp(found, kept, whole))?.question.type).toBe(1);
      }),
      { numRuns: 3000 },
    );
  });

  test("what it gives is what the upstream sent, but for number, lifetimes and EDNS", () => {
    const found = queryOf(asked);
    const message = readAnswer(told, askFor(found, { id: 0x1234, padded: false }));
    if (message === undefined) throw new Error("expected an answer");
    const given = read(answerTo(found, keep(message), 10));
    const sent = decode(Buffer.from(told));
    expect(given.answers?.map(({ name }) => name)).toEqual(sent.answers?.map(({ name }) => name));
    expect(given.authorities).toMatchObject([{ type: "SOA", ttl: 50 }]);
    expect(given.additionals).toMatchObject([{ type: "TXT" }, { type: "OPT", flag_do: true, udpPayloadSize: 1232 }]);
  });
});
