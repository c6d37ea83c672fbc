import { describe, expect, test } from "bun:test";
import { fragmentsOf, icmpEcho, ipPacket, tcpPacket, udpPacket } from "@bunnel/wire";
import { parseFlowKey } from "./flow-key.ts";

const V4 = { source: "192.0.2.7", destination: "203.0.113.9" };
const V6 = { source: "2001:db8::7", destination: "2001:db8::9" };
const PORTS = { sourcePort: 40000, destinationPort: 443 };

describe("parseFlowKey()", () => {
  test.each([V4, V6])("reads TCP, UDP and ICMP of %o; ICMP has no ports", (addresses) => {
    expect(parseFlowKey(tcpPacket({ ...addresses, ...PORTS }))).toMatchObject({
      ...addresses,
      ...PORTS,
      protocol: "tcp",
    });
    expect(parseFlowKey(udpPacket({ ...addresses, ...PORTS }))).toMatchObject({
      ...addresses,
      ...PORTS,
      protocol: "udp",
    });
    expect(parseFlowKey(icmpEcho(addresses))).toMatchObject({
      ...addresses,
      sourcePort: 0,
      destinationPort: 0,
      protocol: "icmp",
    });
  });

  test("the reverse of an answer's key is the key, and both have one canonical text", () => {
    const key = parseFlowKey(tcpPacket({ ...V4, ...PORTS }));
    const answer = parseFlowKey(
      tcpPacket({ source: V4.destination, destination: V4.source, sourcePort: 443, destinationPort: 40000 }),
    );
    expect(answer?.reversed()).toEqual(key);
    expect(answer?.canonical).toBe(key?.canonical ?? "");
  });

  test("knows no key for malformed packets, fragments and other protocols", () => {
    expect(parseFlowKey(new Uint8Array(19))).toBeUndefined();
    expect(parseFlowKey(ipPacket({ ...V4, protocol: 47, payload: new Uint8Array(8) }))).toBeUndefined();
    const [first] = fragmentsOf(udpPacket({ ...V4, ...PORTS, payload: new Uint8Array(100) }), [64]);
    expect(parseFlowKey(first ?? new Uint8Array())).toBeUndefined();
  });
});
