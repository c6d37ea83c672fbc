// Wireshark opens the Initials that the codec built. Needs `tshark` (Debian package of that name).
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { anyQuicInitial } from "../src/arbitrary.ts";
import {
  LINK_RAW,
  mixedFrames,
  POST_QUANTUM_SHARE_BYTES,
  quicHello,
  quicInitial,
  quicInitials,
  readQuicInitial,
  readQuicServerName,
  udpPacket,
  writePcap,
} from "../src/index.ts";
import { CLIENT_INITIAL_V1 } from "./quic-vectors.ts";

const SEED = 20261121;
const FOLDER = mkdtempSync(join(tmpdir(), "bunnel-quic-"));
afterAll(() => rmSync(FOLDER, { recursive: true }));

const FIELDS = ["udp.srcport", "quic.version", "quic.packet_number", "tls.handshake.extensions_server_name"];
const VERSION_NUMBERS = { 1: "0x00000001", 2: "0x6b3343cf" };

/** What tshark says of each datagram, the first value of each field; every list of datagrams is a flow of its own. */
function dissected(name: string, flows: readonly (readonly Uint8Array[])[]): string[][] {
  const packets = flows.flatMap((datagrams, index) => {
    const ends = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000 + index, destinationPort: 443 };
    return datagrams.map((payload) => ({ octets: udpPacket({ ...ends, payload }) }));
  });
  const path = join(FOLDER, name);
  writeFileSync(path, writePcap(packets, LINK_RAW));
  const selection = FIELDS.flatMap((field) => ["-e", field]);
  const run = Bun.spawnSync({
    cmd: ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=f", "-E", "separator=|", ...selection],
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  });
  expect(run.exitCode).toBe(0);
  return run.stdout
    .toString()
    .split("\n")
    .slice(0, -1)
    .map((row) => row.split("|"));
}

test("tshark reads the sample of the RFC, which shows that it can", () => {
  expect(dissected("rfc.pcap", [[CLIENT_INITIAL_V1]])).toEqual([["40000", "0x00000001", "2", "example.com"]]);
});

test("tshark finds the name in Initials of either version, split, mixed and spread", () => {
  const id = (last: number): Uint8Array => Uint8Array.of(1, 2, 3, 4, 5, 6, 7, last);
  const large = quicHello({
    serverName: "large.example.org",
    extensionOrder: "last",
    keyShareBytes: POST_QUANTUM_SHARE_BYTES,
  });
  const flows = [
    [quicInitial({ destinationId: id(1), serverName: "one.example.org" })],
    [quicInitial({ destinationId: id(2), serverName: "two.example.org", version: 2, packetNumber: 300 })],
    [
      quicInitial({
        destinationId: id(3),
        serverName: "mixed.example.org",
        cryptoSplit: [20, 70],
        arrange: mixedFrames,
      }),
    ],
    quicInitials({ destinationId: id(4), hello: large, datagrams: 2 }),
  ];
  expect(dissected("names.pcap", flows)).toEqual([
    ["40000", "0x00000001", "0", "one.example.org"],
    ["40001", "0x6b3343cf", "300", "two.example.org"],
    ["40002", "0x00000001", "0", "mixed.example.org"],
    ["40003", "0x00000001", "0", ""],
    ["40003", "0x00000001", "1", "large.example.org"],
  ]);
});

test("tshark reads Initials of every kind as the codec does", () => {
  const flows = fc
    .sample(anyQuicInitial(), { numRuns: 400, seed: SEED })
    .map(({ datagrams }) => datagrams)
    .filter((datagrams) => datagrams.every(isPlainEnough));
  expect(flows.length).toBeGreaterThan(100);
  const rows = dissected("any.pcap", flows);
  const numbers = flows.flatMap((datagrams, index) => {
    return datagrams.map((datagram) => {
      const read = readQuicInitial(datagram);
      return [`${40000 + index}`, VERSION_NUMBERS[read?.version ?? 1], `${read?.packetNumber}`];
    });
  });
  expect(rows.map((row) => row.slice(0, 3))).toEqual(numbers);
  const names = flows.map((_, index) => rows.find((row) => row[0] === `${40000 + index}` && row[3] !== "")?.[3] ?? "");
  expect(names).toEqual(flows.map((datagrams) => readQuicServerName(datagrams) ?? ""));
});

/**
 * Wireshark knows connections by their ids, so that short ones of two flows would be one connection; and a CRYPTO frame
 * without octets keeps it from putting the others together.
 */
function isPlainEnough(datagram: Uint8Array): boolean {
  const read = readQuicInitial(datagram);
  return read !== undefined && read.destinationId.length >= 8 && read.crypto.every(({ octets }) => octets.length > 0);
}
