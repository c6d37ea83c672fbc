// The second witness: Wireshark's dissectors read what the codec wrote. Needs `tshark` (Debian package of that name).
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { anyEchoFields, anyFragment, anyHello, anyHttpRequest, anyTcpFields, anyUdpFields } from "../src/arbitrary.ts";
import {
  clientHello,
  decodePacket,
  formatAddress,
  icmpEcho,
  LINK_RAW,
  parseAddress,
  POST_QUANTUM_SHARE_BYTES,
  readClientHello,
  readHttpRequest,
  segmentSuperPacket,
  superPacket,
  tcpPacket,
  udpPacket,
  writePcap,
  writePcapng,
  type DecodedPacket,
  type IpFields,
  type PacketToCapture,
} from "../src/index.ts";

const SEED = 20261121;
const FOLDER = mkdtempSync(join(tmpdir(), "bunnel-wire-"));
afterAll(() => rmSync(FOLDER, { recursive: true }));

const OVER4 = { source: "192.0.2.7", destination: "203.0.113.9" };
const OVER6 = { source: "2001:db8::7", destination: "2001:db8::9" };
const HTTPS = { sourcePort: 40000, destinationPort: 443 };

/** Each packet by itself: nothing is put together from several. Every checksum is looked at. */
const PREFERENCES: readonly string[] = [
  "tcp.desegment_tcp_streams:FALSE",
  "tcp.check_checksum:TRUE",
  "udp.check_checksum:TRUE",
  "ip.check_checksum:TRUE",
  "ip.defragment:FALSE",
  "ipv6.defragment:FALSE",
];

/** What tshark says of each packet of a file: one row a packet, one text a field (the first of that name). */
function dissected(name: string, file: Uint8Array, fields: readonly string[]): string[][] {
  const path = join(FOLDER, name);
  writeFileSync(path, file);
  const preferences = PREFERENCES.flatMap((preference) => ["-o", preference]);
  const selection = fields.flatMap((field) => ["-e", field]);
  const run = Bun.spawnSync({
    cmd: [
      "tshark",
      "-n",
      "-r",
      path,
      ...preferences,
      "-T",
      "fields",
      "-E",
      "occurrence=f",
      "-E",
      "separator=|",
      ...selection,
    ],
    env: { ...process.env, LC_ALL: "C.UTF-8", TZ: "UTC" },
  });
  // It says so on every run as root; anything else is a complaint about the file.
  const complaints = run.stderr.toString().replace(/^Running as user "root".*\n/, "");
  expect({ complaints, exitCode: run.exitCode }).toEqual({ complaints: "", exitCode: 0 });
  const rows = run.stdout.toString().split("\n").slice(0, -1);
  return rows.map((row) => row.split("|"));
}

/**
 * Samples without the headers behind which Wireshark stops: mobility, HIP and shim6 mean something only to their own
 * protocols, and the data in ours is random.
 */
function samples<Fields extends IpFields>(arbitrary: fc.Arbitrary<Fields>, numRuns: number): Fields[] {
  return fc.sample(arbitrary, { numRuns, seed: SEED }).filter(({ extensionHeaders }) => {
    return !extensionHeaders?.some(({ protocol }) => protocol >= 135);
  });
}

const IP_FIELDS = [
  "frame.len",
  "ip.src",
  "ip.dst",
  "ip.ttl",
  "ip.checksum.status",
  "ipv6.src",
  "ipv6.dst",
  "ipv6.hlim",
];
const GOOD = "1";

function expectedIp({ family, totalBytes, source, destination, hopLimit }: DecodedPacket): string[] {
  const ends = [source, destination].map((address) => formatAddress(parseAddress(address)));
  const head = [`${totalBytes}`];
  return family === 4
    ? [...head, ...ends, `${hopLimit}`, GOOD, "", "", ""]
    : [...head, "", "", "", "", ...ends, `${hopLimit}`];
}

/** Writes samples in both formats and compares what tshark shows with what the codec reads. */
function compare(
  name: string,
  packets: readonly Uint8Array[],
  fields: readonly string[],
  expected: (packet: DecodedPacket, octets: Uint8Array) => readonly string[],
): void {
  const wanted = packets.map((octets) => {
    const packet = decodePacket(octets);
    return [...expectedIp(packet), ...expected(packet, octets)];
  });
  const captured = packets.map((octets): PacketToCapture => ({ octets }));
  expect(dissected(`${name}.pcap`, writePcap(captured, LINK_RAW), [...IP_FIELDS, ...fields])).toEqual(wanted);
  expect(dissected(`${name}.pcapng`, writePcapng(captured, LINK_RAW), [...IP_FIELDS, ...fields])).toEqual(wanted);
}

test("tshark reads TCP packets as the codec does", () => {
  const packets = samples(anyTcpFields(), 200).map(tcpPacket);
  const fields = ["tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.flags", "tcp.len", "tcp.checksum.status"];
  compare("tcp", packets, fields, ({ sourcePort, destinationPort, seq, tcpFlags, payloadBytes }) => {
    const flags = `0x${tcpFlags.toString(16).padStart(4, "0")}`;
    return [`${sourcePort}`, `${destinationPort}`, `${seq}`, flags, `${payloadBytes}`, GOOD];
  });
});

test("tshark reads UDP datagrams as the codec does", () => {
  const packets = samples(anyUdpFields(), 200).map(udpPacket);
  const fields = ["udp.srcport", "udp.dstport", "udp.length", "udp.checksum.status"];
  compare("udp", packets, fields, ({ sourcePort, destinationPort, payloadBytes }) => {
    return [`${sourcePort}`, `${destinationPort}`, `${payloadBytes + 8}`, GOOD];
  });
});

test("tshark reads echoes as the codec does", () => {
  const packets = samples(anyEchoFields(), 100).map(icmpEcho);
  const fields = ["icmp.type", "icmp.checksum.status", "icmpv6.type", "icmpv6.checksum.status"];
  compare("icmp", packets, fields, ({ family, l4Offset }, octets) => {
    const type = `${octets[l4Offset]}`;
    return family === 4 ? [type, GOOD, "", ""] : ["", "", type, GOOD];
  });
});

test("tshark reads fragments as the codec does", () => {
  const packets = fc
    .sample(anyFragment(), { numRuns: 150, seed: SEED })
    .filter((octets) => decodePacket(octets).fragment);
  const fields = ["ip.frag_offset", "ip.flags.mf", "ipv6.fraghdr.offset", "ipv6.fraghdr.more"];
  compare("fragment", packets, fields, ({ family, fragmentOffset, moreFragments }) => {
    const more = moreFragments ? "1" : "0";
    return family === 4 ? [`${fragmentOffset}`, more, "", ""] : ["", "", `${fragmentOffset}`, more];
  });
});

test("tshark finds the server name of each hello", () => {
  const hellos = fc.sample(anyHello(), { numRuns: 100, seed: SEED }).map(({ octets }) => octets);
  const large = clientHello({
    serverName: "large.example.org",
    keyShareBytes: POST_QUANTUM_SHARE_BYTES,
    padToBytes: 1800,
  });
  // Each on a flow of its own, or they would be retransmissions.
  const packets = [...hellos, large].map((payload, index) => {
    return tcpPacket({
      ...(index % 2 === 0 ? OVER4 : OVER6),
      sourcePort: 40000 + index,
      destinationPort: 443,
      payload,
    });
  });
  compare(
    "hello",
    packets,
    ["tls.record.length", "tls.handshake.extensions_server_name", "_ws.malformed"],
    ({ payload }) => {
      return [`${payload.length - 5}`, readClientHello(payload)?.serverName ?? "", ""];
    },
  );
});

test("tshark finds the host of each request", () => {
  const requests = fc.sample(anyHttpRequest(), { numRuns: 100, seed: SEED }).map(({ octets }) => octets);
  const packets = requests.map((payload, index) => {
    return tcpPacket({ ...OVER4, sourcePort: 40000 + index, destinationPort: 80, payload });
  });
  compare("http", packets, ["http.request.method", "http.host"], ({ payload }) => {
    const read = readHttpRequest(payload);
    // Theirs keeps the port.
    const port = /:\d+/.exec(new TextDecoder().decode(payload.slice((read?.hostOffset ?? 0) + (read?.hostBytes ?? 0))));
    return [read?.method ?? "", read?.host === undefined ? "" : read.host + (port?.index === 0 ? port[0] : "")];
  });
});

test("tshark finds the segments of a super-packet in order and right", () => {
  const payload = clientHello({ serverName: "video.example.org", padToBytes: 3000 });
  const { header, packet } = superPacket({ ...OVER4, ...HTTPS, seq: 7, payload }, 1000);
  compare(
    "segments",
    segmentSuperPacket(header, packet),
    ["tcp.seq_raw", "tcp.len", "tcp.checksum.status"],
    ({ seq }) => {
      return [`${seq}`, "1000", GOOD];
    },
  );
});

test("tshark shows times, interfaces, original lengths and comments of a capture", () => {
  const octets = udpPacket({ ...OVER4, sourcePort: 5000, destinationPort: 6000, payload: new Uint8Array(5) });
  const packets: PacketToCapture[] = [
    { octets, timestampNs: 1_795_240_556_841_289_685n, comment: "first: ä" },
    { octets, timestampNs: 1_795_240_556_841_289_686n, originalBytes: 1500, interfaceId: 1 },
  ];
  const interfaces = [
    { linkType: LINK_RAW, name: "tun0" },
    { linkType: LINK_RAW, name: "tun1" },
  ];
  const fields = ["frame.time_epoch", "frame.interface_name", "frame.cap_len", "frame.len", "frame.comment"];
  expect(dissected("all.pcapng", writePcapng(packets, interfaces), fields)).toEqual([
    ["1795240556.841289685", "tun0", "33", "33", "first: ä"],
    ["1795240556.841289686", "tun1", "33", "1500", ""],
  ]);
  expect(dissected("all.pcap", writePcap(packets, LINK_RAW), ["frame.time_epoch", "frame.len"])).toEqual([
    ["1795240556.841289685", "33"],
    ["1795240556.841289686", "1500"],
  ]);
});
