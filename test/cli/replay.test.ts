// `bunnel replay`: a capture in, a capture out that tshark reads without a complaint.
import { describe, expect, test } from "bun:test";
import {
  LINK_ETHERNET,
  LINK_RAW,
  clientHello,
  decodePacket,
  ipOctets,
  readCapture,
  tcpPacket,
  udpPacket,
} from "@bunnel/wire";
import { writePcap, writePcapng, type PacketToCapture } from "@bunnel/wire";
import { bunnel, run, TempFolder } from "./run.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const BACK = { source: "203.0.113.9", destination: "192.0.2.7", sourcePort: 443, destinationPort: 40000 };

const hello = clientHello({ serverName: "video.example.org", padToBytes: 517 });

/** A handshake, a hello, its acknowledgement, and a datagram that has nothing to do with it. */
const conversation: readonly Uint8Array[] = [
  tcpPacket({ ...ENDS, seq: 1000, flags: "S" }),
  tcpPacket({ ...BACK, seq: 5000, ack: 1001, flags: "SA" }),
  tcpPacket({ ...ENDS, seq: 1001, ack: 5001, flags: "A" }),
  tcpPacket({ ...ENDS, seq: 1001, ack: 5001, flags: "PA", payload: hello }),
  tcpPacket({ ...BACK, seq: 5001, ack: 1001 + hello.length, flags: "A" }),
  udpPacket({ ...ENDS, destinationPort: 5000, payload: new Uint8Array(33) }),
];

function captured(frames: readonly Uint8Array[]): PacketToCapture[] {
  return frames.map((octets, i) => ({ octets, timestampNs: 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n }));
}

function ethernet(packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(14 + packet.length);
  frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
  frame.set(packet, 14);
  return frame;
}

describe("bunnel replay", () => {
  test("replaces the hello, leaves the rest alone, and tshark finds the name and no fault", async () => {
    using folder = new TempFolder();
    const [input, output] = [folder.file("in.pcap"), folder.file("out.pcap")];
    await Bun.write(input, writePcap(captured(conversation), LINK_RAW));
    const ran = await bunnel(["replay", input, "-s", "tls: split(1, midsld)", "-o", output, "--json"]);
    expect(ran).toMatchObject({ status: 0, err: "" });
    expect(JSON.parse(ran.out)).toMatchObject({
      read: 6,
      written: 8,
      messagesTls: 1,
      replaced: 1,
      passed: 5,
      notIp: 0,
    });

    const written = readCapture(await Bun.file(output).bytes()).packets.map(({ octets }) => octets);
    expect(written.slice(0, 3)).toEqual(conversation.slice(0, 3));
    expect(written.slice(6)).toEqual(conversation.slice(4));
    expect(written.slice(3, 6).map((octets) => decodePacket(octets).payloadBytes)).toEqual([1, 126, 390]);

    const checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];
    const names = [
      "-Y",
      "tls.handshake.extensions_server_name",
      "-T",
      "fields",
      "-e",
      "tls.handshake.extensions_server_name",
    ];
    expect(await run(["tshark", "-r", output, ...checks, ...names])).toMatchObject({ out: "video.example.org\n" });
    const faults = ["-Y", "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0"];
    expect(await run(["tshark", "-r", output, ...checks, ...faults])).toMatchObject({ status: 0, out: "" });
  });

  test("keeps Ethernet headers and writes pcapng by its name", async () => {
    using folder = new TempFolder();
    const [input, output] = [folder.file("in.pcapng"), folder.file("out.pcapng")];
    await Bun.write(input, writePcapng(captured(conversation.map(ethernet)), LINK_ETHERNET));
    const ran = await bunnel(["replay", input, "-o", output]);
    expect(ran).toMatchObject({ status: 0, err: "" });
    expect(ran.out).toContain("1 TLS hellos and 0 HTTP requests, 1 replaced by 3 pieces and 0 fakes");
    const capture = readCapture(await Bun.file(output).bytes());
    expect(capture.linkType).toBe(LINK_ETHERNET);
    for (const { octets } of capture.packets) {
      expect(octets.subarray(0, 14)).toEqual(ethernet(new Uint8Array(0)));
      expect(ipOctets(LINK_ETHERNET, octets)).toBeDefined();
    }
    expect(await run(["tshark", "-r", output, "-Y", "_ws.malformed"])).toMatchObject({ status: 0, out: "" });
  });

  test("--list says in which packet a message is, whose name it bears and what became of it", async () => {
    using folder = new TempFolder();
    const input = folder.file("in.pcap");
    const halves = [hello.subarray(0, 100), hello.subarray(100)].map((payload, i) =>
      tcpPacket({ ...ENDS, sourcePort: 40001, seq: 7 + i * 100, flags: "PA", payload }),
    );
    await Bun.write(input, writePcap(captured([...conversation, ...halves]), LINK_RAW));
    const strategy = "tls: split(1, midsld)  syn: pass";
    const ran = await bunnel(["replay", input, "-s", strategy, "--list"]);
    expect(ran).toMatchObject({ status: 0, err: "" });
    expect(ran.out.split("\n").slice(0, 3)).toEqual([
      "packet 1: syn without a name: pass, 1 sent",
      "packet 4: tls video.example.org: replace, 3 sent",
      "packet 8: tls video.example.org: replace, 3 sent",
    ]);
    const json: unknown = JSON.parse((await bunnel(["replay", input, "-s", strategy, "--list", "--json"])).out);
    expect(json).toMatchObject({
      messages: [{ packet: 1, kind: "syn" }, { host: "video.example.org" }, { packet: 8 }],
    });
  });

  test("a packet that was captured cut short is written as it is, and counted", async () => {
    using folder = new TempFolder();
    const [input, output] = [folder.file("in.pcap"), folder.file("out.pcap")];
    const [, , , whole = hello] = conversation;
    const cut = { octets: whole.subarray(0, 96), originalBytes: whole.length };
    await Bun.write(input, writePcap([cut], LINK_RAW));
    const ran = await bunnel(["replay", input, "-o", output, "--json"]);
    expect(JSON.parse(ran.out)).toMatchObject({ read: 1, written: 1, notIp: 1, packetsIn: 0 });
    expect(readCapture(await Bun.file(output).bytes()).packets[0]).toMatchObject(cut);
  });

  test("says in one sentence what is wrong with the input", async () => {
    using folder = new TempFolder();
    const missing = await bunnel(["replay", folder.file("none.pcap")]);
    expect(missing).toMatchObject({ status: 1, out: "" });
    expect(missing.err).toMatch(/^bunnel: capture .*none\.pcap cannot be read: .*\n$/u);
    const text = folder.file("text.pcap");
    await Bun.write(text, "this is no capture");
    const wrong = await bunnel(["replay", text]);
    expect(wrong.status).toBe(1);
    expect(wrong.err).toMatch(/^bunnel: .*\n$/u);
    const strategy = await bunnel(["replay", text, "-s", "tls: splti(1)"]);
    expect(strategy.status).toBe(1);
    expect(strategy.err).toContain("split");
  });
});
