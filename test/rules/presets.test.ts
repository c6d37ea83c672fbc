// Every strategy by name, compiled and run: whatever it does to a message, an endpoint reads what was sent.
import { beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { L7 } from "@bunnel/abi";
import type { Engine } from "@bunnel/engine";
import { parseProfile, parseStrategy, presetStrategy, strategies } from "@bunnel/profile";
import {
  decodePacket,
  ipOctets,
  quicInitial,
  readCapture,
  PROTOCOL_TCP,
  readClientHello,
  readHttpRequest,
  readQuicServerName,
  udpPacket,
  verifyChecksums,
} from "@bunnel/wire";
import fc from "fast-check";
import { type AnyMessage, anyMessage } from "../engine/arbitrary.ts";
import { Connection, KIND_PORTS } from "../engine/connection.ts";
import { anyFaults, type Faults, sendUntilRead } from "../engine/network.ts";
import { engineOf, tableOf } from "../engine/rig.ts";

setDefaultTimeout(60_000);

const RUNS = 60;
const RUNS_WITH_FAULTS = 20;
const DATAGRAM = udpPacket({
  source: "192.0.2.7",
  destination: "203.0.113.9",
  sourcePort: 40000,
  destinationPort: 443,
  payload: quicInitial({ serverName: "video.example.org" }),
});

const anyPath = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  firstSeq: fc.nat(0xffff_ffff),
  timestamps: fc.boolean(),
  segmentBytes: fc.constantFrom(1400, 536),
});

const anyCase = fc.record({ message: anyMessage, path: anyPath });

const CAPTURES = join(import.meta.dir, "../captures/files");
const REAL_MESSAGES_MIN = 10;

/** The hellos and requests of real clients, out of the captures of them. */
async function realMessages(): Promise<readonly AnyMessage[]> {
  const messages: AnyMessage[] = [];
  for (const path of new Bun.Glob("*.pcapng").scanSync({ cwd: CAPTURES, absolute: true })) {
    const capture = readCapture(await Bun.file(path).bytes());
    const streams = new Map<number, Uint8Array>();
    for (const { octets } of capture.packets) {
      const packet = decodePacket(ipOctets(capture.linkType, octets) ?? octets);
      if (packet.protocol !== PROTOCOL_TCP || packet.payload.length === 0) continue;
      const stream = new Uint8Array(
        Buffer.concat([streams.get(packet.sourcePort) ?? octets.subarray(0, 0), packet.payload]),
      );
      const isHello = readClientHello(stream)?.complete === true;
      if (isHello) messages.push({ l7: L7.Tls, octets: stream });
      else if (readRequestHost(packet.payload)) messages.push({ l7: L7.Http, octets: packet.payload });
      // Of a connection its first message; what comes behind it is none.
      streams.set(packet.sourcePort, isHello ? Uint8Array.of(0) : stream);
    }
  }
  return messages;
}

function readRequestHost(payload: Uint8Array): boolean {
  return readHttpRequest(payload)?.host !== undefined;
}

describe.each(strategies())("$name", ({ name, strategy }) => {
  const kinds = new Set(presetStrategy(name)?.clauses.map(({ kind }) => kind));
  const acting = new Set(
    presetStrategy(name)
      ?.clauses.filter(({ operations }) => operations.length > 0)
      .map(({ kind }) => kind),
  );
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf("release");
  });
  beforeEach(() => engine.loadRules(tableOf(`preset:${name}`)));

  function send({ l7, octets }: AnyMessage, path: object, faults?: Faults): Connection {
    const defaults = { family: 4, firstSeq: 1, timestamps: true, segmentBytes: 1400 } as const;
    const connection = new Connection(engine, { ...defaults, ...path, port: KIND_PORTS[l7] }).open();
    if (faults) sendUntilRead(connection, octets, faults);
    else {
      const { packet, header } = connection.segment(octets, 0, octets.length);
      const sent = connection.send(packet, header);
      expect(connection.lane.heldCount).toBe(0);
      connection.deliver(sent);
    }
    expect(connection.state).toBe("established");
    expect(Buffer.from(connection.stream).equals(Buffer.from(octets))).toBe(true);
    return connection;
  }

  test("is what its text says", () => {
    expect(presetStrategy(name)).toEqual(parseStrategy(strategy));
    expect(kinds.size).toBeGreaterThan(0);
  });

  test("an endpoint reads the message that was sent", () => {
    fc.assert(
      fc.property(anyCase, ({ message, path }) => void send(message, path)),
      { numRuns: RUNS },
    );
  });

  test("also over a network that loses, doubles and reorders", () => {
    fc.assert(
      fc.property(anyCase, anyFaults, ({ message, path }, faults) => void send(message, path, faults)),
      { numRuns: RUNS_WITH_FAULTS },
    );
  });

  test("the hellos and requests of real clients are planned, and read", async () => {
    const messages = await realMessages();
    expect(messages.length).toBeGreaterThan(REAL_MESSAGES_MIN);
    for (const message of messages) {
      send(message, {});
      const isFor = acting.has(message.l7 === L7.Tls ? "tls" : "http");
      // Without a name there is nothing to do for a strategy of points and names alone.
      const hasName = message.l7 === L7.Http || readClientHello(message.octets)?.serverName !== undefined;
      if (hasName) expect(engine.counters().reasons["ReplacePlanned"] ?? 0).toBe(isFor ? 1 : 0);
    }
  });

  test("a QUIC Initial goes where it says, behind decoys that are none of it", () => {
    engine.reset();
    const sent = engine.transformer()(DATAGRAM);
    const [operation] = presetStrategy(name)?.clauses.find(({ kind }) => kind === "quic")?.operations ?? [];
    if (operation?.technique === "drop") {
      expect(sent).toEqual([]);
      return;
    }
    const [own = DATAGRAM, ...decoys] = sent.toReversed();
    expect(decodePacket(own).payload).toEqual(decodePacket(DATAGRAM).payload);
    expect(decoys).toHaveLength(operation?.technique === "fake" ? operation.repeats : 0);
    for (const packet of sent) expect(verifyChecksums(packet)).toMatchObject({ transport: true });
    for (const decoy of decoys) {
      expect(readQuicServerName([decodePacket(decoy).payload])).not.toBe("video.example.org");
    }
  });
});

/** The list of what users of such tools use most, and what stands for each of them here. */
const MOST_USED: Readonly<Record<string, readonly string[]>> = {
  "multisplit with seqovl and a real hello as pattern": ["flowseal-general"],
  "many fakes with ts": ["flowseal-fake-ts"],
  "fake and fakedsplit with ts": ["flowseal-fakedsplit"],
  "hostfakesplit with ts": ["flowseal-hostfakesplit"],
  "fake and multidisorder with badseq or md5sig": ["zapret-default", "flowseal-fakeddisorder"],
  "QUIC: fakes, or none of it": ["quic-fake", "quic-drop"],
  "disorder 1 and cuts in the name": ["byedpi-disorder"],
  "what other programs ship": ["goodbyedpi-9", "spoofdpi-default", "dpibreak-default"],
  "split at the name alone": ["turk-telekom", "vodafone", "superonline", "greentunnel-chunks", "outline-split"],
};

test("of everything that is used most and that packets can carry there is one", () => {
  const names = strategies().map(({ name }) => name);
  for (const [, stand] of Object.entries(MOST_USED)) for (const name of stand) expect(names).toContain(name);
  // The tenth, an urgent octet or a record split, changes the length of a stream.
  for (const word of ["oob", "tlsrec"]) {
    const rule = `[[rule]]\nname = "tenth"\negress = "packet"\nstrategy = "tls: ${word}(1)"\n`;
    expect(() => parseProfile(rule)).toThrow("changes how many octets the stream has");
  }
});
