// Strategies of every shape, for properties.
import { OPS_MAX, PAYLOAD_MAX_BYTES, PLAN_STEPS_MAX, POINTS_MAX, REPEATS_MAX } from "@bunnel/abi";
import { formatAddress } from "@bunnel/wire";
import fc from "fast-check";
import {
  BADSEQ,
  DECOY_NAME_DEFAULT,
  TS,
  type Decoy,
  type Foolings,
  type Pattern,
  type Payload,
} from "../src/notation/content.ts";
import { isStreamKind, KINDS, markersOf, type Kind, type Point } from "../src/notation/kinds.ts";
import { stepsOf } from "../src/notation/steps.ts";
import {
  HTTP_TRICKS,
  IP_ID_SCHEMES,
  type Clause,
  type HttpTrickWord,
  type Operation,
  type Strategy,
  type PacketTechniqueName,
  type TechniqueName,
} from "../src/notation/strategy.ts";
import { HOST_PAD, type StreamOperation } from "../src/notation/stream-operations.ts";
import { isStreamTechnique, techniquesOf } from "../src/notation/techniques.ts";
import { anyHostName } from "./arbitrary-host.ts";

/** Payloads that `anyProfile` has. */
export const PAYLOAD_NAMES = ["hello", "Old-Quic_1", "bin/stun.bin"] as const;

const octet = (min = 0) => fc.integer({ min, max: 255 });
const anyI32 = fc.oneof(fc.integer({ min: -70_000, max: 70_000 }), fc.integer());

/** Kinds without markers have no technique that takes points, so theirs are drawn for nothing. */
function anyPoint(kind: Kind): fc.Arbitrary<Point> {
  const offset = fc.oneof(fc.integer({ min: -40, max: 40 }), fc.constantFrom(-0x8000, 0x7fff));
  const absolute = offset.filter((value) => value !== 0).map((value): Point => ({ marker: "absolute", offset: value }));
  const markers = markersOf(kind);
  return markers.length === 0
    ? absolute
    : fc.oneof(absolute, fc.record({ marker: fc.constantFrom(...markers), offset }));
}

function anyPoints(kind: Kind): fc.Arbitrary<readonly Point[]> {
  return fc.uniqueArray(anyPoint(kind), {
    minLength: 1,
    maxLength: POINTS_MAX,
    selector: ({ marker, offset }) => `${marker} ${offset}`,
  });
}

const anyPayload: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({ source: fc.constantFrom("tls" as const, "http" as const, "quic" as const), name: anyHostName }),
  fc.constant<Payload>({ source: "stun" }),
  fc.constantFrom(...PAYLOAD_NAMES).map((name): Payload => ({ source: "named", name })),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((octets): Payload => ({ source: "octets", hex: octets.toHex() })),
);

const anyPattern: fc.Arbitrary<Pattern> = fc.oneof(
  fc.constantFrom<Pattern>({ content: "zeros" }, { content: "random" }),
  anyPayload.map((payload): Pattern => ({ content: "payload", payload })),
);

function anyDecoy(kind: Kind): fc.Arbitrary<Decoy> {
  const plain = fc.constantFrom<Decoy>({ content: "zeros" }, { content: "random" });
  const payload = fc
    .record({ payload: anyPayload, rndsni: fc.boolean(), dupsid: fc.boolean(), padencap: fc.boolean() })
    .map((drawn): Decoy => decoyOf(kind, drawn));
  if (!isStreamKind(kind)) return fc.oneof(plain, payload);
  const name = anyHostName.map((drawn): Decoy => ({ content: "name", name: drawn }));
  const random = fc.constant<Decoy>({ content: "random name" });
  return kind === "tls" ? fc.oneof(plain, payload, name, random) : fc.oneof(plain, payload, name);
}

/** Hellos are changed in tls alone; one whose name is random bears the default one. */
function decoyOf(kind: Kind, decoy: { payload: Payload; rndsni: boolean; dupsid: boolean; padencap: boolean }): Decoy {
  const { payload } = decoy;
  const isHello = payload.source === "tls" || (payload.source === "named" && payload.name === PAYLOAD_NAMES[0]);
  if (kind !== "tls" || !isHello) return { content: "payload", payload, rndsni: false, dupsid: false, padencap: false };
  if (!decoy.rndsni || payload.source !== "tls") return { content: "payload", ...decoy };
  return { content: "payload", ...decoy, payload: { source: "tls", name: DECOY_NAME_DEFAULT } };
}

type FoolingKeys = readonly (keyof Foolings)[];
const STREAM_KEYS: FoolingKeys = ["ttl", "autoTtl", "badsum", "badseq", "md5sig", "datanoack", "ts", "dataofs"];
const RST_KEYS: FoolingKeys = ["ttl", "autoTtl", "badsum", "badseq", "md5sig"];

function anyFoolings(keys: FoolingKeys, least: 0 | 1): fc.Arbitrary<Foolings> {
  const yes = fc.constant<true>(true);
  const all = {
    ttl: octet(1),
    autoTtl: fc
      .tuple(fc.integer({ min: -128, max: 127 }), octet(1), octet(1))
      .map(([delta, a, b]) => ({ delta, min: Math.min(a, b), max: Math.max(a, b) })),
    badsum: yes,
    badseq: fc.record({ seq: fc.integer(BADSEQ), ack: anyI32 }, { noNullPrototype: true }),
    md5sig: yes,
    datanoack: yes,
    ts: fc.integer(TS),
    dataofs: yes,
  };
  const chosen = Object.fromEntries(keys.map((key) => [key, all[key]])) as unknown as typeof all;
  return fc
    .record(chosen, { requiredKeys: [], noNullPrototype: true })
    .filter((foolings) => Object.keys(foolings).length >= least);
}

const repeats = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: REPEATS_MAX }) },
);
const flat = { noNullPrototype: true } as const;

const anyTricks: fc.Arbitrary<readonly HttpTrickWord[]> = fc
  .subarray([...HTTP_TRICKS], { minLength: 1 })
  .filter((tricks) => !tricks.includes("case") || !tricks.includes("mixed"));

/** One operation of each technique that packets can carry out. */
function operationsOf(kind: Kind): Readonly<Record<PacketTechniqueName, fc.Arbitrary<Operation>>> {
  const foolings = anyFoolings(STREAM_KEYS, 1);
  const one = <Name extends TechniqueName>(name: Name) => fc.constant(name);
  const positive = fc.integer({ min: 1, max: 65535 });
  return {
    split: fc.record({ technique: one("split"), points: anyPoints(kind) }, flat),
    disorder: fc.record({ technique: one("disorder") }, flat),
    fake: fc.record(
      {
        technique: one("fake"),
        decoy: anyDecoy(kind),
        foolings: isStreamKind(kind) ? foolings : anyFoolings(["ttl", "badsum"], 0),
        repeats,
        after: fc.boolean(),
      },
      flat,
    ),
    seqovl: fc.record(
      {
        technique: one("seqovl"),
        overlap: fc.oneof(
          fc.integer({ min: 1, max: PAYLOAD_MAX_BYTES }),
          anyPoint("tls").filter(({ marker }) => marker !== "absolute" && marker !== "sniext"),
        ),
        second: fc.boolean(),
        pattern: anyPattern,
      },
      flat,
    ),
    fakedsplit: fc.record(
      { technique: one("fakedsplit"), points: anyPoints(kind), pattern: anyPattern, foolings, repeats },
      flat,
    ),
    hostfakesplit: fc.record(
      { technique: one("hostfakesplit"), name: anyHostName, midhost: fc.boolean(), foolings, repeats },
      { requiredKeys: ["technique", "midhost", "foolings", "repeats"], noNullPrototype: true },
    ),
    syndata: fc.record(
      {
        technique: one("syndata"),
        payload: fc.oneof(anyPayload, fc.constant({ source: "zeros" as const })),
      },
      flat,
    ),
    synack: fc.record(
      { technique: one("synack"), foolings: anyFoolings(["ttl", "badsum", "md5sig"], 0), repeats },
      flat,
    ),
    rst: fc.record(
      { technique: one("rst"), ack: fc.boolean(), foolings: anyFoolings(RST_KEYS, 1), repeats, after: fc.boolean() },
      flat,
    ),
    window: fc
      .record({ technique: one("window"), bytes: positive, scale: fc.integer({ min: 0, max: 14 }) }, flat)
      .map(({ scale, ...window }) => (kind === "syn" && scale % 3 > 0 ? { ...window, scale } : window)),
    mss: fc.record({ technique: one("mss"), bytes: fc.integer({ min: 48, max: 65535 }) }, flat),
    httphost: fc.record({ technique: one("httphost"), tricks: anyTricks }, flat),
    udplen: fc
      .record({ technique: one("udplen"), bytes: fc.integer({ min: -1400, max: 1400 }), pattern: anyPattern }, flat)
      .filter(({ bytes }) => bytes !== 0)
      .map((udplen) => (udplen.bytes < 0 ? { ...udplen, pattern: { content: "zeros" as const } } : udplen)),
    ipfrag: fc
      .record({ technique: one("ipfrag"), eights: fc.integer({ min: 0, max: 8191 }), hopbyhop: fc.boolean() }, flat)
      .map(({ technique, eights, hopbyhop }) => ({
        technique,
        ...((eights > 0 || !hopbyhop) && { bytes: Math.max(eights, 1) * 8 }),
        hopbyhop,
      })),
    drop: fc.record({ technique: one("drop") }, flat),
    ipid: fc.record({ technique: one("ipid"), scheme: fc.constantFrom(...IP_ID_SCHEMES) }, flat),
    dup: fc.record({ technique: one("dup"), repeats }, flat),
    delay: fc.record(
      {
        technique: one("delay"),
        ms: fc.integer({ min: 1, max: 10_000 }),
        jitterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10_000 })),
      },
      flat,
    ),
    ttl: fc.record({ technique: one("ttl"), hops: octet(1) }, flat),
    tos: fc.record({ technique: one("tos"), octet: octet() }, flat),
    doh: fc.record({ technique: one("doh") }, flat),
    redirect: fc.record({ technique: one("redirect"), address: anyAddress, port: positive }, flat),
  };
}

const anyAddress: fc.Arbitrary<string> = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(formatAddress);
/** Beside which nothing stands. */
const ALONE: readonly TechniqueName[] = ["drop", "doh", "redirect"];

/** One operation of each technique that needs stream egress. */
function streamOperationsOf(kind: Kind): Readonly<Record<StreamOperation["technique"], fc.Arbitrary<Operation>>> {
  const alone = <Name extends TechniqueName>(name: Name) => fc.record({ technique: fc.constant(name) }, flat);
  return {
    tlsrec: fc.record({ technique: fc.constant("tlsrec" as const), points: anyPoints(kind) }, flat),
    oob: fc.record({ technique: fc.constant("oob" as const), point: anyPoint(kind), octet: octet() }, flat),
    hostpad: fc.record({ technique: fc.constant("hostpad" as const), bytes: fc.integer(HOST_PAD) }, flat),
    hostdot: alone("hostdot"),
    hosttab: alone("hosttab"),
    methodspace: alone("methodspace"),
    methodeol: alone("methodeol"),
  };
}

const MANY: readonly TechniqueName[] = ["split", "disorder", "fake", "fakedsplit", "hostfakesplit", "synack", "rst"];
const CUTTING: readonly TechniqueName[] = ["split", "fakedsplit", "hostfakesplit", "oob"];

/** Leaves out, of operations drawn without a plan, those that cannot stand where they stand. */
function sensible(drawn: readonly Operation[]): readonly Operation[] {
  const kept: Operation[] = [];
  for (const operation of drawn) {
    const { technique } = operation;
    const isCut = kept.some((earlier) => CUTTING.includes(earlier.technique));
    const [first] = kept;
    if (first !== undefined && [technique, first.technique].some((name) => ALONE.includes(name))) continue;
    if (!isCut && (technique === "disorder" || (technique === "seqovl" && operation.second))) continue;
    if (!MANY.includes(technique) && kept.some((earlier) => earlier.technique === technique)) continue;
    if (stepsOf([...kept, operation]) <= PLAN_STEPS_MAX) kept.push(operation);
  }
  return kept;
}

type Chosen = (technique: TechniqueName) => boolean;
const ofPackets: Chosen = (technique) => !isStreamTechnique(technique);

export function anyOperation(kind: Kind, isChosen: Chosen = ofPackets): fc.Arbitrary<Operation> {
  const operations = { ...operationsOf(kind), ...streamOperationsOf(kind) };
  const names = techniquesOf(kind).filter(isChosen);
  return fc.oneof(...names.map((name) => ({ weight: ALONE.includes(name) ? 1 : 4, arbitrary: operations[name] })));
}

/** Up to as many passes as a strategy can have. */
export function anyClause(kind: Kind, isChosen: Chosen = ofPackets): fc.Arbitrary<Clause> {
  return fc
    .array(anyOperation(kind, isChosen), { maxLength: OPS_MAX })
    .map((drawn) => ({ kind, operations: sensible(drawn) }));
}

function anyStrategyWith(isChosen: Chosen): fc.Arbitrary<Strategy> {
  return fc
    .subarray(
      KINDS.map((kind) => anyClause(kind, isChosen)),
      { minLength: 1 },
    )
    .chain((clauses) => fc.tuple(...clauses))
    .map((clauses) => ({ clauses }));
}

/** What packets can carry out. */
export const anyStrategy: fc.Arbitrary<Strategy> = anyStrategyWith(ofPackets);
/** All that the notation can say. */
export const anyWrittenStrategy: fc.Arbitrary<Strategy> = anyStrategyWith(() => true);
