// needs root: a network namespace with a TUN device.
// The endpoint law on the TCP of the Linux kernel: what the socket reads is what the application sent.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Decoy, Fooling, L7, Marker, Technique } from "@bunnel/abi";
import type { Engine } from "@bunnel/engine";
import { clientHello, httpRequest, POST_QUANTUM_SHARE_BYTES } from "@bunnel/wire";
import { Connection } from "../engine/connection.ts";
import { meaningOf } from "../engine/http-meaning.ts";
import { BUILDS, engineOf, tableOf } from "../engine/rig.ts";
import { writeTable } from "../engine/table-writer.ts";
import { ADDRESSES, LinuxReceiver } from "./linux-receiver.ts";
import { RECEIVER_CASES } from "./receiver-cases.ts";

const PORT = 443;
/** More than one packet holds: a super-packet. */
const HELLO = clientHello({ serverName: "video.example.org", keyShareBytes: POST_QUANTUM_SHARE_BYTES });
const REQUEST = httpRequest({ host: "video.example.org", headers: [["User-Agent", "example"]] });
/** Where the parts end that are sent again, as shares of the message. */
const PARTS = [0.5, 0.7, 1, 1];

let engine: Engine;
let receiver: LinuxReceiver;
let nextPort = 20_000;

const messageOf = (rule: string): Uint8Array => (rule.startsWith("http:") ? REQUEST : HELLO);

async function connect(rule: string, family: 4 | 6): Promise<Connection> {
  engine.loadRules(tableOf(rule));
  const sourcePort = nextPort++;
  const connection = new Connection(engine, {
    family,
    port: PORT,
    sourcePort,
    addresses: ADDRESSES,
    firstSeq: 0xffff_ff00,
    timestamps: true,
    segmentBytes: 1400,
  });
  receiver.deliver(connection.send(connection.syn()));
  receiver.deliver(connection.accept(await receiver.synAck(sourcePort)));
  return connection;
}

/** Sends octets `from` up to `to` of the message; returns what leaves. */
function send(connection: Connection, message: Uint8Array, from: number, to: number): Uint8Array[] {
  const { packet, header } = connection.segment(message, from, to);
  return connection.send(packet, header);
}

async function expectRead(rule: string, { options }: Connection): Promise<void> {
  const message = messageOf(rule);
  const port = options.sourcePort ?? 0;
  const read = await receiver.read(port, message.length);
  expect(read.length).toBe(message.length);
  if (rule.includes("httphost")) {
    expect(read).not.toEqual(message);
    expect(meaningOf(read)).toEqual(meaningOf(message));
  } else expect(read).toEqual(message);
  expect(receiver.isOpen(port)).toBe(true);
}

describe.each(BUILDS)("Linux, %s build", (build) => {
  // A kernel of its own for each: what was lost of one build's fragments would be joined with the other's.
  beforeAll(async () => {
    engine = await engineOf(build);
    receiver = new LinuxReceiver(PORT);
  });
  afterAll(() => receiver[Symbol.dispose]());

  describe.each([4, 6] as const)("IPv%d", laws);
});

function laws(family: 4 | 6): void {
  test.each(RECEIVER_CASES)("%s: %s", async (_, rule) => {
    const connection = await connect(rule, family);
    const message = messageOf(rule);
    receiver.deliver(send(connection, message, 0, message.length));
    await expectRead(rule, connection);
  });

  test.each(RECEIVER_CASES)("%s, a third lost, what is missing sent again in parts: %s", async (_, rule) => {
    const connection = await connect(rule, family);
    const message = messageOf(rule);
    receiver.deliver(send(connection, message, 0, message.length).filter((_packet, i) => i % 3 !== 1));
    for (const share of PARTS) {
      const read = (await receiver.readNow(connection.options.sourcePort ?? 0)).length;
      if (read >= message.length) break;
      connection.nowMs += 300;
      receiver.deliver(send(connection, message, read, Math.max(read + 1, Math.floor(message.length * share))));
    }
    await expectRead(rule, connection);
  });

  test("drop: nothing of the message arrives, nor of what is sent again, and the connection stays open", async () => {
    for (const rule of ["tls: drop", "http: drop"]) {
      const connection = await connect(rule, family);
      const message = messageOf(rule);
      for (let copy = 0; copy < 2; copy++) {
        expect(send(connection, message, 0, message.length)).toEqual([]);
        connection.nowMs += 300;
      }
      const port = connection.options.sourcePort ?? 0;
      expect(await receiver.readNow(port)).toHaveLength(0);
      expect(receiver.isOpen(port)).toBe(true);
      // The path was open all the time: what no rule asks for arrives.
      engine.unloadRules();
      receiver.deliver(send(connection, message, 0, message.length));
      expect(await receiver.read(port, message.length)).toEqual(message);
    }
  });

  test("of a running stream the kernel reads a decoy that only acknowledges too little: it is refused", async () => {
    const spoilt = { foolings: Fooling.BadSeq, value: 0, value2: -0x4000_0000 };
    const twins = { technique: Technique.FakedSplit, points: [[Marker.Absolute, 100]], decoy: Decoy.Zeros } as const;
    expect(() => tableOf("tls: fakedsplit(100, badseq=0/-1073741824)")).toThrow("the server would keep");
    // It does so when the socket has memory set aside, which is its own affair.
    let read = HELLO;
    for (let attempt = 0; attempt < 20 && Buffer.compare(read, HELLO) === 0; attempt++) {
      const connection = await connect("tls: pass", family);
      engine.loadRules(writeTable(L7.Tls, [{ ...twins, ...spoilt }]));
      receiver.deliver(send(connection, HELLO, 0, HELLO.length));
      read = await receiver.read(connection.options.sourcePort ?? 0, HELLO.length);
    }
    expect(read.length).toBe(HELLO.length);
    expect(read).not.toEqual(HELLO);
  });

  test("the kernel does read a decoy that arrives: what is expected of it here can fail", async () => {
    const connection = await connect("tls: fake(zeros, ttl=40)", family);
    receiver.deliver(send(connection, HELLO, 0, HELLO.length));
    const read = await receiver.read(connection.options.sourcePort ?? 0, HELLO.length);
    expect(read).toEqual(new Uint8Array(HELLO.length));
  });
}
