// Single cases that once were wrong. Each says what an endpoint would have read.
import { beforeAll, describe, expect, test } from "bun:test";
import { Decoy, Fooling, HOLD_MESSAGE_MAX_BYTES, L7, Marker, OpFlag, Technique } from "@bunnel/abi";
import type { Engine, EngineBuild } from "@bunnel/engine";
import { clientHello, decodePacket, POST_QUANTUM_SHARE_BYTES, tcpOptions, tcpOptionsOf, tcpPacket } from "@bunnel/wire";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { BUILDS, carry, engineOf } from "./rig.ts";
import { type Op, writeTable } from "./table-writer.ts";

const HELLO = clientHello({ serverName: "video.example.org", padToBytes: 517 });
/** Place and octets of the identification: RFC 791 section 3.1; of the fragment header, RFC 8200 section 4.5. */
const FRAGMENT_NUMBER = { 4: { at: 4, octets: 2 }, 6: { at: 44, octets: 4 } };
const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };

describe.each(BUILDS)("cases, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  function connect(ops: readonly Op[], more: Partial<ConnectionOptions> = {}): Connection {
    engine.loadRules(writeTable(L7.Tls, ops));
    const path = { family: 4, port: 443, firstSeq: 1, timestamps: true, segmentBytes: 1400, ...more } as const;
    return new Connection(engine, path).open();
  }

  const overlap: readonly Op[] = [
    { technique: Technique.Split, points: [[Marker.Absolute, 100]] },
    { technique: Technique.SeqOvl, value: 50, decoy: Decoy.Zeros, flags: OpFlag.OverlapSecond },
    { technique: Technique.Disorder },
  ];

  test("an overlap on the second piece, the first lost, the hole of SACK sent again: no pattern is read", () => {
    const connection = connect(overlap);
    const { packet } = connection.segment(HELLO, 0, HELLO.length);
    const [second, first] = connection.send(packet);
    if (second === undefined || first === undefined) throw new Error("expected two pieces");
    expect(decodePacket(second).payloadBytes).toBe(HELLO.length - 50);
    connection.deliver([second]);
    connection.nowMs += 200;
    // The client takes octets 50 and on for received.
    connection.deliver(connection.send(connection.segment(HELLO, 0, 50).packet));
    expect(connection.stream).toEqual(HELLO);
  });

  test("no overlap behind a piece of which a copy is cut apart: alone, the copy's end would leave the pattern", () => {
    const connection = connect([
      { technique: Technique.Split, points: [[Marker.Absolute, 100]] },
      { technique: Technique.SeqOvl, value: 1, decoy: Decoy.Zeros, flags: OpFlag.OverlapSecond },
      { technique: Technique.Duplicate, repeats: 1 },
      {
        technique: Technique.FakedSplit,
        points: [[Marker.Absolute, 99]],
        foolings: Fooling.BadSum,
        decoy: Decoy.Zeros,
        repeats: 1,
      },
      { technique: Technique.Disorder },
    ]);
    const sent = connection.send(connection.segment(HELLO, 0, HELLO.length).packet);
    const isWholeCopy = (packet: Uint8Array): boolean => decodePacket(packet).payloadBytes === 100;
    expect(sent.some(isWholeCopy)).toBe(true);
    connection.deliver(sent.filter((packet) => !isWholeCopy(packet)));
    expect(connection.stream).toEqual(HELLO);
  });

  test("no overlap in a message too long to be remembered: a part that is sent again would leave a pattern", () => {
    const body = "a".repeat(HOLD_MESSAGE_MAX_BYTES);
    const long = new TextEncoder().encode(
      `POST / HTTP/1.1\r\nHost: video.example.org\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const [, ...passes] = overlap;
    const cuts: Op = { technique: Technique.Split, points: [100, 400].map((at) => [Marker.Absolute, at] as const) };
    engine.loadRules(writeTable(L7.Http, [cuts, ...passes]));
    const path = { family: 4, port: 80, firstSeq: 1, timestamps: true, segmentBytes: 1400 } as const;
    const connection = new Connection(engine, path).open();
    const { packet, header } = connection.segment(long, 0, long.length);
    const sent = connection.send(packet, header);
    connection.deliver(sent.filter((piece) => decodePacket(piece).payloadBytes !== 100));
    expect(connection.stream).toHaveLength(0);
    connection.nowMs += 200;
    connection.deliver(connection.send(connection.segment(long, 0, 60).packet));
    connection.deliver(connection.send(connection.segment(long, 60, 100).packet));
    expect(connection.stream).toEqual(long);
  });

  test("an overlap on the second piece is taken back where a later pass cuts the first", () => {
    const [split, seqovl] = overlap;
    if (split === undefined || seqovl === undefined) throw new Error("expected two passes");
    const cut: Op = { technique: Technique.Split, points: [[Marker.Absolute, 60]] };
    const connection = connect([split, seqovl, cut]);
    const sent = connection.send(connection.segment(HELLO, 0, HELLO.length).packet);
    expect(sent.map((packet) => decodePacket(packet).payloadBytes)).toEqual([60, 40, HELLO.length - 100]);
  });

  test("an overlap on the second piece is taken back where the first does not fit one packet", () => {
    const long = clientHello({ serverName: "video.example.org", keyShareBytes: POST_QUANTUM_SHARE_BYTES });
    const connection = connect([
      { technique: Technique.Split, points: [[Marker.Absolute, 1450]] },
      { technique: Technique.SeqOvl, value: 900, decoy: Decoy.Zeros, flags: OpFlag.OverlapSecond },
      { technique: Technique.Disorder },
    ]);
    const { packet, header } = connection.segment(long, 0, long.length);
    const sent = connection.send(packet, header);
    expect(sent.reduce((sum, out) => sum + decodePacket(out).payloadBytes, 0)).toBe(long.length);
  });

  test("a retransmission of a whole message keeps its overlap: the room for it is that of the packet", () => {
    const connection = connect([
      { technique: Technique.SeqOvl, value: 300, decoy: Decoy.Zeros },
      { technique: Technique.Tos, value: 4 },
    ]);
    const { packet } = connection.segment(HELLO, 0, HELLO.length);
    expect(decodePacket(connection.send(packet)[0] ?? packet).payloadBytes).toBe(HELLO.length + 300);
    expect(decodePacket(connection.send(packet)[0] ?? packet).payloadBytes).toBe(HELLO.length + 300);
  });

  test("md5sig stands before an end of the option list, or the endpoint would read the decoy", () => {
    const options = tcpOptions([{ kind: "timestamps", value: 7, echo: 9 }, { kind: "eol" }]);
    engine.reset();
    engine.loadRules(writeTable(L7.Tls, [{ technique: Technique.Fake, foolings: Fooling.Md5Sig, decoy: Decoy.Zeros }]));
    const [decoy] = carry(engine, tcpPacket({ ...ENDS, options, payload: HELLO }));
    const kinds = tcpOptionsOf(decoy ?? new Uint8Array(0)).map(({ kind }) => kind);
    expect(kinds).toEqual(["nop", "nop", "md5", "timestamps"]);
  });

  test("fragments of a retransmission are not joined with those of the first copy, whose time stamp is another", () => {
    for (const family of [4, 6] as const) {
      const connection = connect([{ technique: Technique.IpFrag, value: 24 }], { family });
      const { packet } = connection.segment(HELLO, 0, HELLO.length);
      connection.deliver(connection.send(packet).slice(0, 1));
      connection.nowMs += 300;
      connection.deliver(connection.send(connection.segment(HELLO, 0, HELLO.length).packet));
      expect(connection.stream).toEqual(HELLO);
    }
  });

  test("no two fragmented packets of a flow have one number, however often a long message is sent again", () => {
    const head = "POST / HTTP/1.1\r\nHost: video.example.org\r\nContent-Length: 30000\r\n\r\n";
    const long = new TextEncoder().encode(head + "a".repeat(30_000));
    engine.loadRules(writeTable(L7.Http, [{ technique: Technique.IpFrag, value: 24 }]));
    for (const family of [4, 6] as const) {
      const path = { family, port: 80, firstSeq: 1, timestamps: true, segmentBytes: 536 } as const;
      const connection = new Connection(engine, path).open();
      const sent = Array.from({ length: 30 }, () => {
        connection.nowMs += 200;
        const { packet, header } = connection.segment(long, 0, long.length);
        return connection.send(packet, header);
      }).flat();
      const first = sent.filter((packet) => decodePacket(packet).fragmentOffset === 0);
      const { at, octets } = FRAGMENT_NUMBER[family];
      const numbers = new Set(first.map((packet) => Buffer.from(packet).readUIntBE(at, octets)));
      expect([first.length, numbers.size, numbers.has(0)]).toEqual([30 * 57, 30 * 57, false]);
    }
  });

  test("IPv6: the first fragment has the whole TCP header, however small it is to be", () => {
    const connection = connect([{ technique: Technique.IpFrag, value: 8 }], { family: 6 });
    const [first] = connection.send(connection.segment(HELLO, 0, HELLO.length).packet);
    expect(decodePacket(first ?? new Uint8Array(0))).toMatchObject({ fragment: true, totalBytes: 40 + 8 + 32 });
  });

  test("IPv6: the first fragment leaves room for its own header", () => {
    const long = clientHello({ serverName: "video.example.org", padToBytes: 1428 });
    const connection = connect([{ technique: Technique.IpFrag, value: 1456 }], { family: 6, segmentBytes: 1428 });
    const sent = connection.send(connection.segment(long, 0, long.length).packet);
    expect(sent.map((packet) => packet.length)).toEqual([1496, 60]);
    connection.deliver(sent);
    expect(connection.stream).toEqual(long);
  });

  test("delays that add up to more than a minute stay at the most that the list can say, in order", () => {
    const connection = connect([
      { technique: Technique.Split, points: [1, 2, 3, 4, 5, 6, 7, 8].map((at) => [Marker.Absolute, at] as const) },
      { technique: Technique.Delay, word: 10_000 },
    ]);
    connection.send(connection.segment(HELLO, 0, HELLO.length).packet);
    const delays = [...connection.lane.txDelaysMs.slice(0, 9)];
    expect(delays).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 65_535, 65_535]);
  });

  test("a decoy of the whole message stands before the twins of the first piece, also when the order is turned", () => {
    const connection = connect([
      {
        technique: Technique.FakedSplit,
        points: [[Marker.MidSld, 0]],
        foolings: Fooling.BadSum,
        decoy: Decoy.Zeros,
      },
      { technique: Technique.Fake, foolings: Fooling.BadSum, decoy: Decoy.Zeros },
      { technique: Technique.Disorder },
    ]);
    const sent = connection.send(connection.segment(HELLO, 0, HELLO.length).packet);
    const places = sent
      .map((packet) => decodePacket(packet))
      .map(({ seq, payloadBytes }) => `${seq - 2}+${payloadBytes}`);
    const [one, two] = ["0+127", "127+390"];
    expect(places).toEqual(["0+517", two, two, two, one, one, one]);
  });

  test("badseq leaves a decoy out that is longer than it is moved: its end would be read", () => {
    for (const [bytes, packets] of [
      [10_000, 16],
      [10_001, 8],
    ] as const) {
      const fake: Op = { technique: Technique.Fake, foolings: Fooling.BadSeq, value: -10_000, value2: -66_000 };
      const long = clientHello({ serverName: "video.example.org", padToBytes: bytes });
      const connection = connect([
        { ...fake, decoy: Decoy.Zeros },
        { technique: Technique.Tos, value: 4 },
      ]);
      const { packet, header } = connection.segment(long, 0, long.length);
      const sent = connection.send(packet, header);
      expect(sent).toHaveLength(packets);
      connection.deliver(sent);
      expect(connection.stream).toEqual(long);
    }
  });
});
