import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { REAL_DATAGRAM6, REAL_HELLO, REAL_PING, REAL_REQUEST, REAL_SYN } from "../test/real-packets.ts";
import { anyHostName, mutatedPacket } from "./arbitrary.ts";
import { verifyChecksums } from "./checksum.ts";
import { WireError } from "./errors.ts";
import { fragmentsOf } from "./fragment.ts";
import { ipPacket } from "./ip-packet.ts";
import { packetFromLine } from "./line.ts";
import { printPacket } from "./print.ts";
import { clientHello } from "./tls-hello.ts";
import { tcpPacket } from "./transport.ts";

const OVER4 = { source: "192.0.2.7", destination: "203.0.113.9" };
const PORTS = { sourcePort: 40000, destinationPort: 443 };

test.each<[string, Uint8Array, string]>([
  ["SYN", REAL_SYN, "TCP 192.0.2.7:46534 > 192.0.2.9:443 S seq=1416493275 len=0"],
  [
    "hello",
    REAL_HELLO,
    "TCP 192.0.2.7:46534 > 192.0.2.9:443 PA seq=1416493276 ack=1725391653 len=517 hello(sni=video.example.org)",
  ],
  [
    "request",
    REAL_REQUEST,
    "TCP 192.0.2.7:42426 > 192.0.2.9:80 PA seq=1940279031 ack=769092880 len=79 http(host=www.example.org)",
  ],
  ["ping", REAL_PING, "ICMP 192.0.2.7 > 192.0.2.9 request id=13733 seq=1 len=24 data"],
  ["datagram", REAL_DATAGRAM6, "UDP [2001:db8::7]:37265 > [2001:db8::9]:5000 len=6 data"],
])("printPacket() shows a real %s", (_, packet, line) => {
  expect(printPacket(packet)).toBe(line);
});

describe("printPacket() shows", () => {
  const long = tcpPacket({ ...OVER4, ...PORTS, payload: clientHello({ serverName: "a.example.org" }) });
  const [first, later] = fragmentsOf(long, [160, 40]);
  const HEAD = "TCP 192.0.2.7:40000 > 203.0.113.9:443";
  test.each<[string, Uint8Array | undefined, string]>([
    ["a first fragment", first, `${HEAD} PA seq=1 ack=1 frag=0+ len=140 hello(sni=a.example.org) cut`],
    ["a later fragment", later, "TCP 192.0.2.7 > 203.0.113.9 frag=20+ len=40 data"],
    [
      "a wrong checksum",
      tcpPacket({ ...OVER4, ...PORTS, checksum: 1, hopLimit: 4 }),
      `${HEAD} A seq=1 ack=1 len=0 ttl=4 badsum`,
    ],
    ["no flags", tcpPacket({ ...OVER4, ...PORTS, flags: 0 }), `${HEAD} - seq=1 len=0`],
    [
      "another protocol",
      ipPacket({ ...OVER4, protocol: 47, payload: new Uint8Array(4) }),
      "IP 192.0.2.7 > 203.0.113.9 proto=47 len=4 data",
    ],
    ["no packet", new Uint8Array(12), "malformed len=12"],
    [
      "a name with odd octets",
      tcpPacket({ ...OVER4, ...PORTS, payload: clientHello({ serverName: "a) b\n\xff" }) }),
      `${HEAD} PA seq=1 ack=1 len=242 hello(sni=a\\x29\\x20b\\x0a\\xff)`,
    ],
  ])("%s", (_, packet, line) => {
    expect(printPacket(packet ?? new Uint8Array(0))).toBe(line);
  });
});

test("printPacket() makes one line of whatever it is given", () => {
  fc.assert(
    fc.property(mutatedPacket(), (octets) => {
      expect(printPacket(octets)).toMatch(/^[ -~]+$/);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  "TCP 192.0.2.7:40000 > 203.0.113.9:443 PA seq=1 ack=1 len=517 hello(sni=video.example.org)",
  "TCP 192.0.2.7:40000 > 203.0.113.9:443 PA seq=1 ack=1 len=1800 hello(sni=video.example.org)",
  "TCP [2001:db8::7]:40000 > [2001:db8::9]:80 PA seq=7 ack=4294967295 len=200 http(host=www.example.org)",
  "TCP 192.0.2.7:40000 > 203.0.113.9:443 A seq=1 ack=1 len=1400 data ttl=4 badsum",
  "TCP 192.0.2.7:40000 > 203.0.113.9:443 S seq=0 len=0",
  "TCP 192.0.2.7:40000 > 203.0.113.9:443 PA seq=1 ack=1 len=300 hello()",
  "TCP 192.0.2.7:40000 > 203.0.113.9:443 PA seq=1 ack=1 len=40 http()",
  "UDP 192.0.2.7:5000 > 203.0.113.9:53 len=33 data",
  "UDP [2001:db8::7]:5000 > [2001:db8::9]:53 len=0 badsum",
  "ICMP 192.0.2.7 > 203.0.113.9 request id=7 seq=2 len=56 data",
  "ICMP 2001:db8::7 > 2001:db8::9 reply id=7 seq=2 len=0 ttl=1",
])("packetFromLine() builds the packet of %s", (line) => {
  const packet = packetFromLine(line);
  expect(printPacket(packet)).toBe(line);
  expect(verifyChecksums(packet).transport).toBe(!line.endsWith("badsum"));
});

test("packetFromLine() meets every length that a hello can have", () => {
  fc.assert(
    fc.property(anyHostName(), fc.integer({ min: 400, max: 1800 }), (name, bytes) => {
      const line = `TCP 192.0.2.7:40000 > 203.0.113.9:443 PA seq=1 ack=1 len=${bytes} hello(sni=${name})`;
      fc.pre(bytes >= name.length + 150);
      expect(printPacket(packetFromLine(line))).toBe(line);
    }),
  );
});

test("packetFromLine() meets small lengths too", () => {
  for (let bytes = 150; bytes < 420; bytes += 1) {
    const line = `TCP 192.0.2.7:40000 > 203.0.113.9:443 PA seq=1 ack=1 len=${bytes} hello(sni=example.org)`;
    expect(printPacket(packetFromLine(line))).toBe(line);
  }
});

test("packetFromLine() takes the builders' defaults for what is left out", () => {
  const packet = packetFromLine("  TCP 192.0.2.7:40000 > 203.0.113.9:443 hello(sni=example.org) ");
  expect(packet).toEqual(tcpPacket({ ...OVER4, ...PORTS, payload: clientHello({ serverName: "example.org" }) }));
});

test.each([
  "",
  "TCP",
  "TCP 192.0.2.7:1 < 203.0.113.9:2",
  "SCTP 192.0.2.7:1 > 203.0.113.9:2",
  "TCP 192.0.2.7 > 203.0.113.9 len=0",
  "TCP 192.0.2.7:1 > 203.0.113.9:2 PA len=5",
  "TCP 192.0.2.7:1 > 203.0.113.9:2 data",
  "TCP 192.0.2.7:1 > 203.0.113.9:2 PA seq=x",
  "TCP 192.0.2.7:1 > 203.0.113.9:2 PA len=20 hello(sni=example.org)",
  "TCP 192.0.2.7:1 > 203.0.113.9:2 PA len=20 http(host=example.org)",
  "TCP 192.0.2.7:1 > 203.0.113.9:2 PA hello(sni=a\\x29)",
  "ICMP 192.0.2.7 > 203.0.113.9 len=0",
])("packetFromLine() refuses %j", (line) => {
  expect(() => packetFromLine(line)).toThrow(WireError);
});
