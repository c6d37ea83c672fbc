// What an operation of each technique may have in a rule table: everything else in its 64 octets is zero.
import { Decoy, Fooling, IpIdScheme, L7, OpFlag, PAYLOAD_MAX_BYTES, POINTS_MAX, Technique } from "@bunnel/abi";

export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface OperationShape {
  /** Bits 1 << L7 of the kinds that it is for. */
  readonly kinds: number;
  readonly points?: Range;
  /** Bits of Fooling. */
  readonly foolings?: number;
  /** Bits 1 << L7 of the kinds in which it needs at least one. */
  readonly spoilt?: number;
  /** Bits of OpFlag. */
  readonly flags?: number;
  /** Absent: the field is 0 and there is no text. */
  readonly decoys?: readonly Decoy[];
  readonly isRepeated?: boolean;
  readonly ttl?: Range;
  readonly word?: Range;
  readonly value?: Range;
}

const { Tls, Http, Quic, Dns, Syn } = L7;
const STREAM = (1 << Tls) | (1 << Http);
const DATAGRAM = (1 << Quic) | (1 << Dns);
export const L7_BITS: number = STREAM | DATAGRAM | (1 << Syn);

const DATAGRAM_FOOLINGS = Fooling.Ttl | Fooling.BadSum;
const RST_FOOLINGS = DATAGRAM_FOOLINGS | Fooling.AutoTtl | Fooling.BadSeq | Fooling.Md5Sig;
const FOOLINGS = RST_FOOLINGS | Fooling.DataNoAck | Fooling.Ts | Fooling.DataOffset;
export const HELLO_FLAGS: number = OpFlag.RandomName | OpFlag.DupSessionId | OpFlag.PadEncap;
const PATTERNS = [Decoy.Zeros, Decoy.Random, Decoy.Payload] as const;
const OCTET: Range = { min: 0, max: 255 };
const WORD: Range = { min: 1, max: 0xffff };

const SHAPES: Readonly<Record<Technique, OperationShape>> = {
  [Technique.Split]: { kinds: STREAM, points: { min: 1, max: POINTS_MAX } },
  [Technique.Disorder]: { kinds: STREAM },
  [Technique.Fake]: {
    kinds: STREAM | DATAGRAM,
    foolings: FOOLINGS,
    spoilt: STREAM,
    flags: HELLO_FLAGS | OpFlag.After,
    decoys: [Decoy.Name, ...PATTERNS],
    isRepeated: true,
  },
  [Technique.SeqOvl]: {
    kinds: STREAM,
    points: { min: 0, max: 1 },
    flags: OpFlag.OverlapSecond,
    decoys: PATTERNS,
    value: { min: 0, max: PAYLOAD_MAX_BYTES },
  },
  [Technique.FakedSplit]: {
    kinds: STREAM,
    points: { min: 1, max: POINTS_MAX },
    foolings: FOOLINGS,
    spoilt: STREAM,
    decoys: PATTERNS,
    isRepeated: true,
  },
  [Technique.HostFakeSplit]: {
    kinds: STREAM,
    foolings: FOOLINGS,
    spoilt: STREAM,
    flags: OpFlag.RandomName | OpFlag.MidHost,
    decoys: [Decoy.Name],
    isRepeated: true,
  },
  [Technique.SynData]: { kinds: 1 << Syn, decoys: [Decoy.Payload] },
  [Technique.SynAck]: { kinds: 1 << Syn, foolings: DATAGRAM_FOOLINGS | Fooling.Md5Sig, isRepeated: true },
  [Technique.Rst]: {
    kinds: STREAM,
    foolings: RST_FOOLINGS,
    spoilt: STREAM,
    flags: OpFlag.RstAck | OpFlag.After,
    isRepeated: true,
  },
  [Technique.Window]: { kinds: STREAM | (1 << Syn), word: WORD, value: { min: -1, max: 14 } },
  [Technique.Mss]: { kinds: 1 << Syn, word: { min: 48, max: 0xffff } },
  [Technique.IpFrag]: { kinds: L7_BITS, flags: OpFlag.HopByHop, value: { min: 0, max: 65528 } },
  [Technique.UdpLen]: { kinds: DATAGRAM, decoys: PATTERNS, value: { min: -1400, max: 1400 } },
  [Technique.Drop]: { kinds: L7_BITS },
  [Technique.HttpTrick]: { kinds: 1 << Http, value: { min: 1, max: 31 } },
  [Technique.IpId]: { kinds: L7_BITS, value: { min: IpIdScheme.Sequential, max: IpIdScheme.Zero } },
  [Technique.Duplicate]: { kinds: L7_BITS, isRepeated: true },
  [Technique.Delay]: { kinds: L7_BITS, word: { min: 1, max: 10_000 }, value: { min: 0, max: 10_000 } },
  [Technique.Ttl]: { kinds: L7_BITS, ttl: { min: 1, max: 255 } },
  [Technique.Tos]: { kinds: L7_BITS, value: OCTET },
  [Technique.Doh]: { kinds: 1 << Dns },
  [Technique.Redirect]: { kinds: 1 << Dns, decoys: [Decoy.Payload] },
};

/** The shape of a technique in a kind of message; undefined when there is no such technique. */
export function shapeOf(technique: number, l7: number): OperationShape | undefined {
  const shape = Object.hasOwn(SHAPES, technique) ? SHAPES[technique as Technique] : undefined;
  if (technique !== Technique.Fake || l7 === Tls) return shape;
  // Hellos are changed in TLS alone, and datagrams are decoyed with octets of their own.
  if (l7 === Http) return { ...shape, kinds: STREAM, flags: OpFlag.After };
  return { ...shape, kinds: DATAGRAM, foolings: DATAGRAM_FOOLINGS, flags: OpFlag.After, decoys: PATTERNS };
}

/** The kinds in which a window scale can be set. */
export const SCALED: number = 1 << Syn;
