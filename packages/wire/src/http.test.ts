import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { REAL_REQUEST } from "../test/real-packets.ts";
import { anyHttpRequest } from "./arbitrary.ts";
import { decodePacket } from "./decode.ts";
import { HTTP_METHODS, httpRequest, readHttpRequest } from "./http.ts";
import { latin1Of, octetsOf } from "./octets.ts";

test("readHttpRequest() reads a real one", () => {
  const expected = { method: "GET", host: "www.example.org", hostOffset: 22, hostBytes: 15 };
  expect(readHttpRequest(decodePacket(REAL_REQUEST).payload)).toEqual(expected);
});

test("httpRequest() writes the real one", () => {
  const headers = [
    ["User-Agent", "curl/7.88.1"],
    ["Accept", "*/*"],
  ] as const;
  expect(httpRequest({ host: "www.example.org", headers })).toEqual(decodePacket(REAL_REQUEST).payload);
});

test("readHttpRequest() finds the host that a request names, where it says", () => {
  fc.assert(
    fc.property(anyHttpRequest(), ({ octets, host }) => {
      const read = readHttpRequest(octets);
      expect(read?.host).toBe(host as string);
      if (read && host !== undefined) {
        expect(latin1Of(octets.slice(read.hostOffset, read.hostOffset + read.hostBytes))).toBe(host);
      }
    }),
  );
});

test.each([...HTTP_METHODS])("readHttpRequest() knows %s", (method) => {
  expect(readHttpRequest(httpRequest({ method, host: "example.org" }))).toMatchObject({ method, host: "example.org" });
});

test.each([
  ["GET / HTTP/1.1\r\nhOsT:example.org\r\n", "example.org"],
  ["GET / HTTP/1.1\nHost: example.org\n", "example.org"],
  ["GET / HTTP/1.1\r\nHost: \t example.org \t\r\n", "example.org"],
  ["GET / HTTP/1.1\r\nHost: example.org:8080\r\n", "example.org"],
  ["GET / HTTP/1.1\r\nHost: example.org :80\r\n", "example.org"],
  ["GET / HTTP/1.1\r\nX-Host: no.example.org\r\nHost: example.org\r", "example.org"],
  [`GET / HTTP/1.1\r\nHost: ${"a".repeat(253)}\r\n`, "a".repeat(253)],
])("readHttpRequest() reads the host of %j", (text, host) => {
  const octets = octetsOf(text);
  const read = readHttpRequest(octets);
  expect(read?.host).toBe(host);
  expect(text.slice(read?.hostOffset, (read?.hostOffset ?? 0) + (read?.hostBytes ?? 0))).toBe(host);
});

describe("readHttpRequest() finds no host in", () => {
  test.each([
    ["GET / HTTP/1.1\r\n\r\n"],
    ["GET / HTTP/1.1\r\nHost: example.or"],
    ["GET / HTTP/1.1\r\nHost:\r\n"],
    ["GET / HTTP/1.1\r\n\r\nHost: example.org\r\n"],
    ["GET / HTTP/1.1\n\nHost: example.org\n"],
    ["GET / HTTP/1.1\r\nHost: :80\r\n"],
    ["GET / HTTP/1.1\r\nHost : example.org\r\n"],
    ["GET / HTTP/1.1\r\n Host: example.org\r\n"],
    ["GET / HTTP/1.1\r\nHost: [2001:db8::7]:80\r\n"],
    [`GET / HTTP/1.1\r\nHost: ${"a".repeat(254)}\r\n`],
  ])("%j", (text) => {
    expect(readHttpRequest(octetsOf(text))).toEqual({ method: "GET", hostOffset: 0, hostBytes: 0 });
  });

  test("a line that ends past the first 4096 octets", () => {
    const request = (bytes: number): Uint8Array => {
      const host = "example.org";
      const rest = bytes - httpRequest({ headers: [["X", ""]], host: "" }).length - host.length;
      return octetsOf(`GET / HTTP/1.1\r\nX: ${"x".repeat(rest)}\r\nHost: ${host}\r\n\r\n`);
    };
    // Its own CR is octet 4096 in the first, 4097 in the second.
    expect(readHttpRequest(request(4099))?.host).toBe("example.org");
    expect(readHttpRequest(request(4100))?.host).toBeUndefined();
  });
});

test.each(["", "GET", "GET\t/", "get / HTTP/1.1", "GETX /", "BREW / HTTP/1.1", "HTTP/1.1 200 OK"])(
  "readHttpRequest() finds no request in %j",
  (text) => {
    expect(readHttpRequest(octetsOf(text))).toBeUndefined();
  },
);

test("httpRequest() refuses a line break inside a part", () => {
  expect(() => httpRequest({ host: "example.org\r\nX: y" })).toThrow("must have no line break");
});
