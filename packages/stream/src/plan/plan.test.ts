import { describe, expect, test } from "bun:test";
import { parseStrategy, type Clause } from "@bunnel/profile";
import { clientHello, httpRequest, readClientHello, splitRecords } from "@bunnel/wire";
import fc from "fast-check";
import { recognise, type StreamMessage } from "../message/first-message.ts";
import { planMessage, type Step, type StreamPlan } from "./plan.ts";

const SOURCE = { named: {}, seed: 1 };
const HELLO = clientHello({ serverName: "video.example.org" });
const REQUEST = httpRequest({ host: "video.example.org", headers: [["Accept", "*/*"]] });

function clauseOf(text: string): Clause {
  const [clause] = parseStrategy(text).clauses;
  if (clause === undefined) throw new Error("expected a clause, found none");
  return clause;
}

function messageOf(octets: Uint8Array): StreamMessage {
  const message = recognise(octets);
  if (typeof message === "string") throw new Error(`expected a message, found ${message}`);
  return message;
}

function planOf(octets: Uint8Array, text: string): StreamPlan {
  return planMessage(octets, messageOf(octets), clauseOf(text), SOURCE);
}

function stepsOf(octets: Uint8Array, text: string): readonly Step[] {
  const plan = planOf(octets, text);
  if (plan === "drop") throw new Error("expected steps, found drop");
  return plan;
}

/** What the server's program reads: urgent octets are taken out of the stream (RFC 9293 section 3.8.5). */
function read(steps: readonly Step[]): Uint8Array {
  return Buffer.concat(steps.map(({ octets, urgent }) => (urgent ? octets.subarray(0, -1) : octets)));
}

/** The handshake octets of the records that lie behind each other. */
function handshake(stream: Uint8Array): string {
  let joined = "";
  for (let at = 0; at < stream.length;) {
    const bytes = ((stream[at + 3] ?? 0) << 8) | (stream[at + 4] ?? 0);
    expect([stream[at], stream[at + 1]]).toEqual([22, 3]);
    joined += stream.subarray(at + 5, at + 5 + bytes).toHex();
    at += 5 + bytes;
  }
  return joined;
}

const texts = (steps: readonly Step[]) => steps.map(({ octets }) => new TextDecoder("latin1").decode(octets));

describe("planMessage()", () => {
  test("cuts at points, and counts numbers of tlsrec behind the record's header", () => {
    expect(stepsOf(HELLO, "tls: split(1, -3)").map(({ octets }) => octets.length)).toEqual([1, HELLO.length - 4, 3]);
    const [first] = stepsOf(HELLO, "tls: tlsrec(1)");
    expect(first?.octets.subarray(0, 11).toHex()).toBe(
      `160301000101160301${(HELLO.length - 6).toString(16).padStart(4, "0")}`,
    );
  });

  test("cuts a record and the stream at the same place before the second record's header", () => {
    const [, second] = stepsOf(HELLO, "tls: tlsrec(midsld) split(midsld)");
    expect(second?.octets.subarray(0, 3).toHex()).toBe("160301");
  });

  test("cuts a hello of several records within each", () => {
    const spread = splitRecords(HELLO, [10, 60]);
    expect(handshake(read(stepsOf(spread, "tls: tlsrec(20, midsld, -1)")))).toBe(handshake(HELLO));
  });

  test("puts an urgent octet behind the piece, and waits", () => {
    const [first, second] = stepsOf(REQUEST, "http: oob(host+2, octet=33)");
    expect(first).toMatchObject({ urgent: true, waitMs: 2 });
    expect(texts(first ? [first] : [])[0]).toEndWith("Host: vi!");
    expect(second).toMatchObject({ urgent: false, waitMs: 0 });
  });

  test("sends every piece but the last nowhere for disorder", () => {
    const steps = stepsOf(HELLO, "tls: split(1, midsld) disorder");
    expect(steps.map(({ hops }) => hops)).toEqual([1, 1, undefined]);
  });

  test("sends a decoy of the same length with another name in the place of each piece", () => {
    const steps = stepsOf(HELLO, "tls: fake(sni=www.example.net, ttl=4) split(midsld)");
    expect(steps.map(({ hops, octets, decoy }) => [hops, decoy?.length === octets.length])).toEqual([
      [4, true],
      [4, true],
    ]);
    const decoy = Buffer.concat(steps.map(({ decoy: part }) => part ?? new Uint8Array(0)));
    expect(readClientHello(decoy)?.serverName).toMatch(/^[a-z0-9]{2}\.?[a-z0-9]?www\.example\.net$|www\.example\.net$/);
    expect(read(steps)).toEqual(Buffer.from(HELLO));
  });

  test("leaves the last piece as it is where the pieces before come late", () => {
    const steps = stepsOf(HELLO, "tls: fake(ttl=4) split(1, midsld) disorder");
    expect(steps.map(({ hops, decoy }) => [hops, decoy !== undefined])).toEqual([
      [4, true],
      [4, true],
      [undefined, false],
    ]);
  });

  test("drop means nothing is sent, and delay waits between pieces", () => {
    expect(planOf(HELLO, "tls: drop")).toBe("drop");
    expect(stepsOf(HELLO, "tls: split(1, 2) delay(7)").map(({ waitMs }) => waitMs)).toEqual([7, 7, 0]);
  });

  test.each([
    ["httphost(case)", "GET / HTTP/1.1\r\nhost: video.example.org\r\nAccept: */*\r\n\r\n"],
    ["httphost(mixed, nospace)", "GET / HTTP/1.1\r\nhoSt:video.example.org\r\nAccept: */*\r\n\r\n"],
    ["httphost(domcase)", "GET / HTTP/1.1\r\nHost: vIdEo.eXaMpLe.oRg\r\nAccept: */*\r\n\r\n"],
    ["httphost(unixeol)", "GET / HTTP/1.1\nHost: video.example.org\nAccept: */*\n\n"],
    ["hostdot hosttab", "GET / HTTP/1.1\r\nHost: video.example.org.\t\r\nAccept: */*\r\n\r\n"],
    ["methodeol methodspace", "\r\nGET  / HTTP/1.1\r\nHost: video.example.org\r\nAccept: */*\r\n\r\n"],
    ["hostpad(20)", "GET / HTTP/1.1\r\nX-Pad: aaaaaaaaaaa\r\nHost: video.example.org\r\nAccept: */*\r\n\r\n"],
    [
      "httphost(case, domcase, unixeol) hostdot hosttab methodspace hostpad(16)",
      "GET  / HTTP/1.1\nX-Pad: aaaaaaa\r\nhost: vIdEo.eXaMpLe.oRg.\t\nAccept: */*\n\n",
    ],
  ])("changes a head: %s", (operations, head) => {
    expect(texts(stepsOf(REQUEST, `http: ${operations}`)).join("")).toBe(head);
  });

  test("hostpad is as long as it says, in lines that servers take", () => {
    for (const bytes of [16, 1024, 1025, 1033, 1034, 2100, 16_384]) {
      const text = texts(stepsOf(REQUEST, `http: hostpad(${bytes})`)).join("");
      expect(text.length).toBe(REQUEST.length + bytes);
      for (const line of text.split("\r\n")) expect(line.length).toBeLessThanOrEqual(1024);
    }
  });
});

const anyPoint = fc.oneof(
  fc.integer({ min: 1, max: 600 }).map(String),
  fc.integer({ min: 1, max: 60 }).map((offset) => `-${offset}`),
  fc
    .tuple(fc.constantFrom("host", "endhost", "sld", "midsld", "endsld"), fc.integer({ min: -3, max: 3 }))
    .map(([marker, offset]) => (offset === 0 ? marker : `${marker}${offset < 0 ? "" : "+"}${offset}`)),
);
const anyPoints = fc.uniqueArray(anyPoint, { minLength: 1, maxLength: 5 }).map((points) => points.join(", "));
const anyName = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,20}$/), { minLength: 1, maxLength: 4 })
  .map((labels) => labels.join("."));

test("the endpoint law: a server reads the same handshake octets, whatever is done to a hello", () => {
  const operations = [
    anyPoints.map((points) => `split(${points})`),
    anyPoint.map((point) => `oob(${point}, octet=65)`),
    anyPoints.map((points) => `tlsrec(${points})`),
    fc.constantFrom("fake(ttl=4)", "fake(zeros, ttl=3)", "fake(tls, sni=a.example.org, ttl=2)"),
  ];
  const strategies = fc.tuple(
    fc.shuffledSubarray(operations, { minLength: 1 }).chain((chosen) => fc.tuple(...chosen)),
    fc.boolean(),
  );
  fc.assert(
    fc.property(anyName, strategies, fc.integer({ min: 0, max: 1200 }), ([...name], [chosen, isTurned], share) => {
      const hello = clientHello({ serverName: name.join(""), ...(share > 600 && { keyShareBytes: share }) });
      const cut = chosen.some((text) => text.startsWith("split") || text.startsWith("oob"));
      const first = chosen.toSorted((a) => (a.startsWith("split") || a.startsWith("oob") ? -1 : 1));
      const steps = stepsOf(hello, `tls: ${first.join(" ")}${cut && isTurned ? " disorder" : ""}`);
      expect(handshake(read(steps))).toBe(handshake(hello));
      for (const { octets, decoy } of steps) expect(decoy?.length ?? octets.length).toBe(octets.length);
    }),
    { numRuns: 400 },
  );
});

test("the endpoint law: a request without changes to its head is the same octets", () => {
  fc.assert(
    fc.property(anyName, anyPoints, anyPoint, fc.boolean(), (host, points, urgent, isTurned) => {
      const request = httpRequest({ host });
      const turned = isTurned ? " disorder" : "";
      expect(read(stepsOf(request, `http: split(${points}) oob(${urgent})${turned}`))).toEqual(Buffer.from(request));
    }),
    { numRuns: 400 },
  );
});
