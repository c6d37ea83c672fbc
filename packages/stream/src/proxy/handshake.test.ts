import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ECONNREFUSED, ENETUNREACH, ETIMEDOUT } from "../sys.ts";
import { Handshake, type HandshakeStep } from "./handshake.ts";
import { readProxyRequest } from "./http.ts";
import { readSocksDatagram, socksDatagram } from "./socks5.ts";

const USER = { name: "me", password: "secret" };
const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));
const ascii = (text: string) => new TextEncoder().encode(text);
const CONNECT_DOMAIN = hex(`05 01 00 03 11 ${Buffer.from("video.example.org").toString("hex")} 01bb`);

/** Everything that is answered and what it ends in, when the octets come one by one. */
function converse(handshake: Handshake, octets: Uint8Array): { readonly said: string; readonly last: HandshakeStep } {
  let said = "";
  let held: Uint8Array = new Uint8Array(0);
  let last: HandshakeStep = { next: "more" };
  for (const octet of octets) {
    held = Uint8Array.of(...held, octet);
    for (last = handshake.step(held); last.next === "answer"; last = handshake.step(held)) {
      said += Buffer.from(last.answer).toString("hex");
      held = held.subarray(last.bytes);
    }
    if (last.next !== "more") break;
  }
  return { said, last };
}

describe("Handshake", () => {
  test("SOCKS 5 without authentication, octet by octet", () => {
    const { said, last } = converse(new Handshake(undefined), Uint8Array.of(5, 2, 0, 2, ...CONNECT_DOMAIN));
    expect(said).toBe("0500");
    expect(last).toMatchObject({ next: "connect", target: { host: "video.example.org", port: 443 } });
    if (last.next !== "connect") throw new Error("expected a wish");
    expect(Buffer.from(last.connected({ address: "192.0.2.7", port: 258 }) ?? "").toString("hex")).toBe(
      "05000001c00002070102",
    );
    expect([ECONNREFUSED, ENETUNREACH, ETIMEDOUT, 0, 1].map((error) => last.failed(error)[1])).toEqual([5, 3, 4, 4, 1]);
  });

  test("SOCKS 5 with name and password (RFC 1929)", () => {
    const right = Uint8Array.of(5, 1, 2, 1, 2, ...ascii("me"), 6, ...ascii("secret"), ...CONNECT_DOMAIN);
    expect(converse(new Handshake(USER), right)).toMatchObject({ said: "05020100", last: { next: "connect" } });
    const wrong = Uint8Array.of(5, 1, 2, 1, 2, ...ascii("me"), 6, ...ascii("Secret"));
    const { last } = converse(new Handshake(USER), wrong);
    expect(last).toEqual({ next: "refuse", answer: Uint8Array.of(1, 1) });
    expect(new Handshake(USER).step(Uint8Array.of(5, 1, 0))).toEqual({ next: "refuse", answer: Uint8Array.of(5, 255) });
  });

  test.each([
    ["05 01 00 01 cb007109 0050", "203.0.113.9", 80],
    ["05 01 00 04 20010db8000000000000000000000007 01bb", "2001:db8::7", 443],
  ])("SOCKS 5 addresses: %s", (request, host, port) => {
    const { last } = converse(new Handshake(undefined), Uint8Array.of(5, 1, 0, ...hex(request)));
    expect(last).toMatchObject({ next: "connect", target: { host, port } });
  });

  test("says what it does not do: BIND, an unknown address type", () => {
    const refusal = (request: string) =>
      converse(new Handshake(undefined), Uint8Array.of(5, 1, 0, ...hex(request))).last;
    expect(refusal("05 02 00 01 cb007109 0050")).toMatchObject({ answer: Uint8Array.of(5, 7, 0, 1, 0, 0, 0, 0, 0, 0) });
    expect(refusal("05 01 00 09 00 0050")).toMatchObject({ answer: Uint8Array.of(5, 8, 0, 1, 0, 0, 0, 0, 0, 0) });
    expect(refusal("05 03 00 01 00000000 0000")).toMatchObject({ next: "associate" });
  });

  test("HTTP: CONNECT, and what stands behind its head is the connection's", () => {
    const octets = ascii("CONNECT video.example.org:443 HTTP/1.1\r\nHost: video.example.org:443\r\n\r\nhello");
    const step = new Handshake(undefined).step(octets);
    expect(step).toMatchObject({
      next: "connect",
      target: { host: "video.example.org", port: 443 },
      isAbsolute: false,
    });
    if (step.next === "connect") expect(Buffer.from(octets.subarray(step.bytes)).toString()).toBe("hello");
  });

  test("HTTP: a name and a password are asked for, and taken", () => {
    const head = (line: string) => ascii(`CONNECT a.example.org:443 HTTP/1.1\r\n${line}\r\n`);
    const asked = new Handshake(USER).step(head(""));
    expect(asked.next === "refuse" && Buffer.from(asked.answer ?? "").toString()).toStartWith("HTTP/1.1 407 ");
    const line = `Proxy-Authorization: Basic ${btoa("me:secret")}\r\n`;
    expect(new Handshake(USER).step(head(line))).toMatchObject({ next: "connect" });
  });

  test.each(["GET /path HTTP/1.1\r\n\r\n", "CONNECT /x HTTP/1.1\r\n\r\n", "GET https://a/ HTTP/1.1\r\n\r\n", "A\n\n"])(
    "HTTP: %j is refused with a sentence",
    (text) => {
      const step = new Handshake(undefined).step(ascii(text));
      expect(step.next === "refuse" && Buffer.from(step.answer ?? "").toString()).toStartWith("HTTP/1.1 400 ");
    },
  );

  test("whatever a client says, it comes to an end or waits for more, and consumes what it answers", () => {
    const anyOctets = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc.uint8Array({ maxLength: 300 }).map((rest) => Uint8Array.of(5, 1, 0, 5, ...rest)),
      fc.string({ maxLength: 300 }).map((text) => ascii(`CONNECT ${text}`)),
      fc.string({ maxLength: 300 }).map((text) => ascii(`GET http://${text} HTTP/1.1\r\n\r\n`)),
    );
    fc.assert(
      fc.property(anyOctets, fc.boolean(), (octets, isAsked) => {
        const handshake = new Handshake(isAsked ? USER : undefined);
        let held: Uint8Array = octets;
        for (let turn = 0; ; turn += 1) {
          expect(turn).toBeLessThan(5);
          const step = handshake.step(held);
          if (step.next !== "answer") break;
          expect(step.bytes).toBeGreaterThan(0);
          held = held.subarray(step.bytes);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("readProxyRequest()", () => {
  test("makes the head that the server gets, without what is the proxy's", () => {
    const head =
      "GET http://me:x@a.example.org:8080/p?q HTTP/1.1\r\nHost: a.example.org:8080\r\n" +
      "Proxy-Connection: keep-alive\r\nproxy-authorization: Basic x\r\nAccept: */*\r\n\r\n";
    const request = readProxyRequest(ascii(head));
    expect(request).toMatchObject({ form: "absolute", target: { host: "a.example.org", port: 8080 } });
    if (request.form !== "absolute") throw new Error("expected absolute");
    expect(Buffer.from(request.head).toString()).toBe(
      "GET /p?q HTTP/1.1\r\nHost: a.example.org:8080\r\nAccept: */*\r\n\r\n",
    );
  });

  test.each([
    ["http://a.example.org", "a.example.org", 80, "/"],
    ["http://[2001:db8::7]:81?x", "2001:db8::7", 81, "/?x"],
    ["HTTP://A.example.org/#frag", "A.example.org", 80, "/"],
  ])("reads %s", (where, host, port, path) => {
    const request = readProxyRequest(ascii(`GET ${where} HTTP/1.0\r\n\r\n`));
    expect(request).toMatchObject({ form: "absolute", target: { host, port } });
    if (request.form === "absolute") expect(Buffer.from(request.head).toString()).toStartWith(`GET ${path} HTTP/1.0`);
  });
});

test("SOCKS datagrams: what is written is read, fragments and junk are not", () => {
  const from = { address: "2001:db8::7", port: 53 };
  expect(readSocksDatagram(socksDatagram(from, ascii("hi")))).toEqual({
    host: from.address,
    port: 53,
    payload: ascii("hi"),
  });
  expect(readSocksDatagram(hex("0000 01 01 cb007109 0035 6869"))).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
      readSocksDatagram(octets);
    }),
  );
});
