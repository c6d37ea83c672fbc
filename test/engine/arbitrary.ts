// Messages and strategies of every technique with every number that it can have.
import { Decoy, Fooling, L7, Marker, OpFlag, Technique } from "@bunnel/abi";
import { clientHello, httpRequest, POST_QUANTUM_SHARE_BYTES } from "@bunnel/wire";
import fc from "fast-check";
import { HOPS } from "./connection.ts";
import type { Op } from "./table-writer.ts";

export const hostName: fc.Arbitrary<string> = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,12}$/u), { minLength: 1, maxLength: 4 })
  .map((labels) => `${labels.join(".")}.example.org`);

export interface AnyMessage {
  readonly l7: L7.Tls | L7.Http;
  readonly octets: Uint8Array;
}

const hello: fc.Arbitrary<AnyMessage> = fc
  .record({ host: hostName, bytes: fc.integer({ min: 330, max: 1400 }) })
  .map(({ host, bytes }) => ({ l7: L7.Tls, octets: clientHello({ serverName: host, padToBytes: bytes }) }));

/** A post-quantum hello, with its name at either end. */
const longHello: fc.Arbitrary<AnyMessage> = fc
  .record({
    host: hostName,
    bytes: fc.integer({ min: 1660, max: 4000 }),
    extensionOrder: fc.constantFrom("first" as const, "last" as const),
  })
  .map(({ host, bytes, extensionOrder }) => ({
    l7: L7.Tls,
    octets: clientHello({
      serverName: host,
      keyShareBytes: POST_QUANTUM_SHARE_BYTES,
      padToBytes: bytes,
      extensionOrder,
    }),
  }));

const request: fc.Arbitrary<AnyMessage> = fc
  .record({
    host: hostName,
    agent: fc.stringMatching(/^[a-zA-Z/. ]{0,60}$/u),
    agentFirst: fc.boolean(),
    // Now and then a super-packet of many segments.
    body: fc.oneof({ weight: 12, arbitrary: fc.nat(900) }, { weight: 1, arbitrary: fc.nat(30_000) }),
  })
  .map(({ host, agent, agentFirst, body }) => {
    const lines = [`Host: ${host}`, `User-Agent: x${agent}`];
    const head = ["POST /a HTTP/1.1", ...(agentFirst ? lines.toReversed() : lines), `Content-Length: ${body}`, "", ""];
    return { l7: L7.Http, octets: Uint8Array.from(Buffer.from(head.join("\r\n") + "b\n\r".repeat(body / 3))) };
  });

export const anyMessage: fc.Arbitrary<AnyMessage> = fc.oneof(
  hello,
  longHello,
  request,
  hostName.map((host): AnyMessage => ({ l7: L7.Http, octets: httpRequest({ host }) })),
);

const octets = (max: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: 1, maxLength: max });

function pointsOf(l7: L7): fc.Arbitrary<NonNullable<Op["points"]>> {
  const marker = fc.constantFrom(
    Marker.Host,
    Marker.EndHost,
    Marker.Sld,
    Marker.MidSld,
    Marker.EndSld,
    l7 === L7.Tls ? Marker.SniExt : Marker.Method,
  );
  const absolute = fc.tuple(
    fc.constant(Marker.Absolute),
    fc.integer({ min: -1500, max: 3000 }).filter((n) => n !== 0),
  );
  const near = fc.tuple(marker, fc.integer({ min: -6, max: 6 }));
  return fc.array(fc.oneof(absolute, near, near), { minLength: 1, maxLength: 5 });
}

/**
 * Numbers of foolings that the notation takes and the endpoint behind HOPS routers discards; those of AutoTtl may also
 * be of no use.
 */
function fooled(bits: readonly Fooling[]): fc.Arbitrary<Partial<Op>> {
  return fc
    .record({
      foolings: fc.subarray([...bits], { minLength: 1 }),
      ttl: fc.integer({ min: 1, max: HOPS }),
      delta: fc.integer({ min: -9, max: 3 }),
      least: fc.integer({ min: 1, max: 10 }),
      tsShift: fc.oneof(fc.integer({ min: -2_000_000_000, max: -10_000 }), fc.constantFrom(-10_000, -2_000_000_000)),
      value: fc.oneof(fc.integer({ min: -0x4000_0000, max: -10_000 }), fc.constant(-10_000)),
      value2: fc.oneof(fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }), fc.constantFrom(-66_000, 0)),
    })
    .map(({ foolings, ttl, delta, least, tsShift, value: seq, value2 }) => ({
      foolings: foolings.reduce((sum, bit) => sum | bit, 0),
      ...(foolings.includes(Fooling.Ttl) && { ttl }),
      ...(foolings.includes(Fooling.AutoTtl) && { auto: [delta, least, 20] as const }),
      ...(foolings.includes(Fooling.Ts) && { tsShift }),
      ...(foolings.includes(Fooling.BadSeq) && { value: seq, value2 }),
    }));
}

const FOOLINGS: readonly Fooling[] = [
  Fooling.Ttl,
  Fooling.AutoTtl,
  Fooling.BadSum,
  Fooling.BadSeq,
  Fooling.Md5Sig,
  Fooling.DataNoAck,
  Fooling.Ts,
  Fooling.DataOffset,
];
const RST_FOOLINGS: readonly Fooling[] = [Fooling.Ttl, Fooling.AutoTtl, Fooling.BadSum, Fooling.BadSeq, Fooling.Md5Sig];

const pattern: fc.Arbitrary<Partial<Op>> = fc.oneof(
  fc.constantFrom({ decoy: Decoy.Zeros }, { decoy: Decoy.Random }),
  octets(40).map((text) => ({ decoy: Decoy.Payload, text })),
);

const decoyName: fc.Arbitrary<Partial<Op>> = fc.oneof(
  hostName.map((text) => ({ decoy: Decoy.Name, text: new TextEncoder().encode(text) })),
  fc.constant({ decoy: Decoy.Name, flags: OpFlag.RandomName }),
);

const content: fc.Arbitrary<Partial<Op>> = fc.oneof(
  decoyName,
  fc.constantFrom({ decoy: Decoy.Zeros }, { decoy: Decoy.Random }),
  octets(3000).map((text) => ({ decoy: Decoy.Payload, text })),
  fc.tuple(hostName, fc.constantFrom(0, 1, 2, 3, 4, 7)).map(([serverName, flags]) => ({
    decoy: Decoy.Payload,
    text: clientHello({ serverName }),
    flags,
  })),
);

type Part = fc.Arbitrary<Partial<Op>>;

/** One operation from parts; flags add up. */
function op(technique: Technique, ...parts: readonly Part[]): fc.Arbitrary<Op> {
  return fc.tuple(...parts).map((all) => ({
    ...all.reduce((sum, part) => ({ ...sum, ...part }), {}),
    flags: all.reduce((bits, { flags }) => bits | (flags ?? 0), 0),
    technique,
  }));
}

const repeats = (max: number): Part => fc.integer({ min: 1, max }).map((times) => ({ repeats: times }));
const flag = (bit: OpFlag): Part => fc.boolean().map((isSet) => ({ flags: isSet ? bit : 0 }));
const value = (min: number, max: number): Part => fc.integer({ min, max }).map((number) => ({ value: number }));
const word = (min: number, max: number): Part => fc.integer({ min, max }).map((number) => ({ word: number }));

/** Techniques that any message of TCP can have, by the word of their users. */
export function tcpOps(l7: L7): Readonly<Record<string, fc.Arbitrary<Op>>> {
  const points = pointsOf(l7).map((list) => ({ points: list }));
  return {
    split: op(Technique.Split, points),
    disorder: op(Technique.Disorder),
    fake: op(Technique.Fake, fooled(FOOLINGS), content, repeats(4), flag(OpFlag.After)),
    seqovl: op(
      Technique.SeqOvl,
      fc.oneof(
        value(1, 1400),
        value(1, 40),
        points.map(({ points: [point] }) => (point ? { points: [point] } : {})),
      ),
      pattern,
      flag(OpFlag.OverlapSecond),
    ),
    fakedsplit: op(Technique.FakedSplit, points, fooled(FOOLINGS), pattern, repeats(2)),
    hostfakesplit: op(Technique.HostFakeSplit, fooled(FOOLINGS), decoyName, repeats(2), flag(OpFlag.MidHost)),
    rst: op(Technique.Rst, fooled(RST_FOOLINGS), repeats(2), flag(OpFlag.RstAck), flag(OpFlag.After)),
    window: op(Technique.Window, word(1, 65535), fc.constant({ value: -1 })),
    ipfrag: op(
      Technique.IpFrag,
      fc.integer({ min: 1, max: 200 }).map((eights) => ({ value: eights * 8 })),
      flag(OpFlag.HopByHop),
    ),
    ipid: op(Technique.IpId, value(0, 3)),
    dup: op(Technique.Duplicate, repeats(3)),
    delay: op(Technique.Delay, word(1, 10_000), value(0, 10_000)),
    ttl: op(
      Technique.Ttl,
      fc.integer({ min: HOPS + 1, max: 255 }).map((ttl) => ({ ttl })),
    ),
    tos: op(Technique.Tos, value(0, 255)),
  };
}

/** Techniques of a SYN, by the word of their users. */
export const synOps: Readonly<Record<string, fc.Arbitrary<Op>>> = {
  syndata: op(
    Technique.SynData,
    octets(2000).map((text) => ({ decoy: Decoy.Payload, text })),
  ),
  synack: op(
    Technique.SynAck,
    fc.oneof(fooled([Fooling.Ttl, Fooling.BadSum, Fooling.Md5Sig]), fc.constant({})),
    repeats(3),
  ),
  window: op(Technique.Window, word(1, 65535), value(-1, 14)),
  mss: op(Technique.Mss, word(48, 65535)),
  ...Object.fromEntries(["ipfrag", "ipid", "dup", "delay", "ttl", "tos"].map((name) => [name, tcpOpOf(name)])),
};

/** One that a message of TLS can have, too. */
function tcpOpOf(technique: string): fc.Arbitrary<Op> {
  const found = tcpOps(L7.Tls)[technique];
  if (found === undefined) throw new Error(`technique ${technique}: expected one of TCP`);
  return found;
}

export const httpTrick: fc.Arbitrary<Op> = op(
  Technique.HttpTrick,
  fc
    .integer({ min: 1, max: 31 })
    .filter((bits) => (bits & 3) !== 3)
    .map((bits) => ({ value: bits })),
);

/** A strategy of up to six passes. */
export function anyStrategy(l7: L7): fc.Arbitrary<readonly Op[]> {
  return fc.array(fc.oneof(...Object.values(tcpOps(l7))), { minLength: 1, maxLength: 6 });
}

/** A split before each technique, so that those that work on pieces find some. */
export function strategyWith(l7: L7, technique: string): fc.Arbitrary<readonly Op[]> {
  const { [technique]: one, split } = tcpOps(l7);
  if (one === undefined || split === undefined) throw new Error(`technique ${technique}: expected one of TCP`);
  return fc.oneof(
    one.map((only) => [only]),
    fc.tuple(split, one).map((both) => both),
    fc.tuple(split, one, fc.constant({ technique: Technique.Disorder })).map((all) => all),
  );
}
