import { describe, expect, test } from "bun:test";
import { HOST_MAX_BYTES } from "@bunnel/abi";
import { readClientHello, readHttpRequest, readQuicServerName } from "@bunnel/wire";
import type { Payload } from "../notation/content.ts";
import { payloadOctets } from "./build.ts";

const built = (payload: Payload, seed = 1) => payloadOctets(payload, { named: {}, seed });
const LONG = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(49)}.example.org`;

describe("payloadOctets()", () => {
  test("builds a hello of the usual size for the name, and a larger one for names that need it", () => {
    expect(LONG).toHaveLength(HOST_MAX_BYTES);
    expect(built({ source: "tls", name: "www.example.org" })).toHaveLength(517);
    for (const name of ["a.org", LONG]) {
      expect(readClientHello(built({ source: "tls", name }))?.serverName).toBe(name);
    }
  });

  test("builds a request, a QUIC Initial and a STUN binding request", () => {
    const request = built({ source: "http", name: "www.example.org" });
    expect(readHttpRequest(request)).toMatchObject({ host: "www.example.org" });
    const initial = built({ source: "quic", name: "www.example.org" });
    expect(initial).toHaveLength(1200);
    expect(readQuicServerName([initial])).toBe("www.example.org");
    const binding = built({ source: "stun" });
    expect(binding).toHaveLength(20);
    expect(binding.slice(0, 8).toHex()).toBe("000100002112a442");
  });

  test("draws other octets for other seeds and names, and the same for the same", () => {
    for (const source of ["tls", "quic"] as const) {
      const hello = built({ source, name: "www.example.org" });
      expect(built({ source, name: "www.example.org" })).toEqual(hello);
      expect(built({ source, name: "www.example.org" }, 2)).not.toEqual(hello);
      const random = (name: string) => built({ source, name }).slice(11, 43);
      expect(random("a.example.org")).not.toEqual(random("b.example.org"));
    }
  });

  test("gives octets and payloads of the profile as they are", () => {
    expect(built({ source: "octets", hex: "00ff" })).toEqual(Uint8Array.of(0, 255));
    expect(payloadOctets({ source: "named", name: "a" }, { named: { a: { hex: "01" } }, seed: 1 })).toEqual(
      Uint8Array.of(1),
    );
    expect(payloadOctets({ source: "zeros" }, { named: {}, seed: 1 })).toEqual(new Uint8Array(16));
    expect(() => built({ source: "named", name: "constructor" })).toThrow(
      'profile: payload: expected one that the profile has, found "constructor"',
    );
  });
});
