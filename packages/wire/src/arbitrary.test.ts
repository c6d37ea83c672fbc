import { expect, test } from "bun:test";
import fc from "fast-check";
import { anyHello, anyHostName, anyHttpRequest, anyPacket, mutatedPacket } from "./arbitrary.ts";
import { decodePacket } from "./decode.ts";
import { printPacket } from "./print.ts";

const SEED = 20261121;

test("anyPacket() makes readable packets only", () => {
  fc.assert(
    fc.property(anyPacket(), (packet) => {
      expect(decodePacket(packet)).toMatchObject({ totalBytes: packet.length });
    }),
    { numRuns: 1000 },
  );
});

test("anyPacket() makes every kind of packet", () => {
  const lines = fc.sample(anyPacket(), { numRuns: 2000, seed: SEED }).map(printPacket);
  const kinds = [
    /^TCP 192/,
    /^TCP \[2001/,
    /^UDP 192/,
    /^UDP \[2001/,
    /^ICMP 192.*request/,
    /^ICMP 2001.*reply/,
    /^IP 192/,
    /^IP 2001/,
    /frag=0\+/,
    /frag=[1-9]\d*\+/,
    /frag=[1-9]\d* /,
    /frag=0 /,
    /hello\(sni=/,
    /hello\(\)$|hello\(\) ttl/,
    /hello.*cut/,
    /http\(host=/,
    /http\(\)/,
  ];
  for (const kind of kinds) expect(lines.filter((line) => kind.test(line)).length, kind.source).toBeGreaterThan(0);
});

test("mutatedPacket() makes both readable and malformed ones", () => {
  const families = fc
    .sample(mutatedPacket(), { numRuns: 500, seed: SEED })
    .map((octets) => decodePacket(octets).family);
  for (const family of [0, 4, 6]) expect(families.filter((each) => each === family).length).toBeGreaterThan(20);
});

test("anyHostName() makes names of 1 to 253 octets, short and long", () => {
  const names = fc.sample(anyHostName(), { numRuns: 1000, seed: SEED });
  for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9.-]{0,252}$/);
  expect(names.some((name) => name.length > 200)).toBe(true);
});

test("anyHello() and anyHttpRequest() make messages with and without a host", () => {
  for (const message of [anyHello(), anyHttpRequest()]) {
    const hosts = fc.sample(message, { numRuns: 200, seed: SEED }).map(({ host }) => host);
    expect(hosts.some((host) => host === undefined)).toBe(true);
    expect(hosts.some((host) => host !== undefined)).toBe(true);
  }
});
