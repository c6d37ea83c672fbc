import { describe, expect, test } from "bun:test";
import { splitRecords, tcpOptions } from "@bunnel/wire";
import { BLOCKED, fromClient, fromServer, SERVER_SEQ, stamp, syn, synAck, TLS } from "../sample-traffic.ts";
import type { Censor } from "./censor.ts";
import { makeCensor } from "./gallery.ts";

const NONE = new Uint8Array(0);
const decoy = fromClient(0, TLS.good);
const real = fromClient(0, TLS.bad);

/** A strict censor behind a handshake, three routers before the server. */
function watching(client: Uint8Array = syn(), server: Uint8Array = synAck()): Censor {
  const censor = makeCensor("strict", { blocked: [BLOCKED], hopsToServer: 3 });
  censor.judge(client, "outbound", 0);
  censor.judge(server, "inbound", 0);
  return censor;
}

function passes(censor: Censor, packet: Uint8Array): boolean {
  return censor.judge(packet, "outbound", 1).forward;
}

describe("makeCensor(strict)", () => {
  test("believes a decoy that reaches the server, and no other", () => {
    const believes = watching();
    expect(passes(believes, fromClient(0, TLS.good, { hopLimit: 4 }))).toBe(true);
    expect(passes(believes, real)).toBe(true);
    const knows = watching();
    expect(passes(knows, fromClient(0, TLS.good, { hopLimit: 3 }))).toBe(true);
    expect(passes(knows, real)).toBe(false);
  });

  test.each([
    ["an MD5 signature", { options: tcpOptions([{ kind: "md5", digest: new Uint8Array(16) }]) }],
    ["no flags", { flags: "-" }],
    ["SYN set", { flags: "SPA" }],
    ["an acknowledgement that cannot be", { ack: 7 }],
    ["a wrong checksum", { checksum: 0x1234 }],
  ])("ignores a decoy with %s", (_, change) => {
    const censor = watching();
    expect(passes(censor, fromClient(0, TLS.good, change))).toBe(true);
    expect(passes(censor, real)).toBe(false);
  });

  test("ignores a decoy with an old timestamp when both sides use the option", () => {
    const old = fromClient(0, TLS.good, { options: stamp(1000) });
    const stamped = fromClient(0, TLS.bad, { options: stamp(5001) });
    const agreed = watching(syn({ options: stamp(5000) }), synAck({ options: stamp(1) }));
    expect([passes(agreed, old), passes(agreed, stamped)]).toEqual([true, false]);
    const refused = watching(syn({ options: stamp(5000) }), synAck());
    expect([passes(refused, old), passes(refused, stamped)]).toEqual([true, true]);
  });

  test.each([1, TLS.middle])("takes out the urgent octet behind octet %i, as the server does", (at) => {
    const censor = watching();
    const first = Uint8Array.from([...TLS.bad.subarray(0, at), 0x61]);
    const flags = "PAU";
    expect(passes(censor, fromClient(0, first, { flags, urgent: first.length }))).toBe(true);
    expect(passes(censor, fromClient(first.length, TLS.bad.subarray(at)))).toBe(false);
  });

  test("reads a request behind an empty line", () => {
    const censor = watching();
    const request = new TextEncoder().encode(`\r\nGET / HTTP/1.1\r\nHost: ${BLOCKED}\r\n\r\n`);
    expect(passes(censor, fromClient(0, request))).toBe(false);
  });

  test("takes acknowledgements of what the server sent meanwhile", () => {
    const censor = watching();
    censor.judge(fromServer(0, 0, { payload: new Uint8Array(30) }), "inbound", 1);
    expect(passes(censor, fromClient(0, TLS.bad, { ack: (SERVER_SEQ + 31) >>> 0 }))).toBe(false);
  });

  test("is not led away by a RST or FIN that the server does not take", () => {
    const censor = watching();
    expect(passes(censor, fromClient(0, NONE, { flags: "R", hopLimit: 2 }))).toBe(true);
    expect(passes(censor, fromClient(0, NONE, { flags: "F" }))).toBe(true);
    expect(passes(censor, real)).toBe(false);
  });

  test("opens a new connection only when the server does", () => {
    const other = syn({ seq: 90_000 });
    const ignored = watching();
    expect(passes(ignored, other)).toBe(true);
    expect(passes(ignored, real)).toBe(false);
    expect(passes(ignored, other)).toBe(true);
    expect(passes(ignored, real)).toBe(false);
    const answered = watching();
    passes(answered, other);
    answered.judge(synAck({ ack: 90_001 }), "inbound", 1);
    expect(passes(answered, fromClient(0, TLS.bad, { seq: 90_001 }))).toBe(false);
  });

  test("is not led away by octets before the SYN", () => {
    const censor = makeCensor("strict", { blocked: [BLOCKED], hopsToServer: 3 });
    passes(censor, fromClient(3000, TLS.good));
    passes(censor, syn());
    censor.judge(synAck(), "inbound", 0);
    expect(passes(censor, real)).toBe(false);
  });

  test("a connection that was blocked stays so in both directions", () => {
    const censor = watching();
    expect(passes(censor, real)).toBe(false);
    expect(passes(censor, fromClient(TLS.bad.length, NONE))).toBe(false);
    expect(censor.judge(fromServer(0, 0), "inbound", 2).forward).toBe(false);
  });

  test("joins records", () => {
    expect(passes(watching(), fromClient(0, splitRecords(TLS.bad, [TLS.middle])))).toBe(false);
  });

  test("looks no further once the first message was complete", () => {
    const censor = watching();
    expect(passes(censor, decoy)).toBe(true);
    expect(passes(censor, fromClient(TLS.good.length, TLS.bad))).toBe(true);
  });

  test("reads the first copy of an octet, as the server does", () => {
    const censor = watching();
    expect(passes(censor, fromClient(0, TLS.bad.subarray(0, TLS.middle)))).toBe(true);
    expect(passes(censor, decoy)).toBe(true);
    // The server has the start of the blocked name and the end of the other one now.
    expect(passes(censor, real)).toBe(true);
  });
});
